import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf, userOf } from "../../middleware/access.ts";
import { jsonResponse, numericId, type Router } from "../../openapi.ts";
import { opaque, page, pageOf, pageQuery, readCursor } from "../../paging.ts";
import { roleName, userSchema } from "./schemas.ts";
import {
  gatherRoles,
  listUsers,
  readUser,
  type UserOrder,
  userOrders,
  type UserRow,
} from "./store.ts";

const query = pageQuery(z.string().max(2000)).extend({
  sort: z.enum(userOrders).default("id"),
  status: z.enum(["active", "inactive"]).optional(),
  role: roleName.optional(),
  email_verified: z.enum(["true", "false"]).optional(),
  q: z.string().regex(/^[^\p{Cc}]{1,200}$/u).optional().openapi({
    description: "Part of the name or the address, in any case",
  }),
});

const place = z.tuple([z.enum(userOrders), z.int().min(0).max(2 ** 31 - 1), z.string().max(300)]);

const textOf = (order: UserOrder, user: UserRow) =>
  order.endsWith("email") ? user.email : order.endsWith("name") ? user.name : "";

/** A cursor is the last user seen, and in which order. */
const placeIn = (order: UserOrder) => (text: string) => {
  const [of, id, key] = place.parse(JSON.parse(text));
  const storable = key.isWellFormed() && !key.includes("\0");
  return of === order && storable ? { id, text: key } : undefined;
};

export function getUsers(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listUsers",
    summary: "List the tenant's users",
    ...access(deps, "users.read"),
    request: { query },
    responses: {
      200: jsonResponse(pageOf(userSchema), "A page of users, oldest first unless sorted"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor, sort, status, role, email_verified, q } = c.req.valid("query");
    const after = readCursor(cursor, placeIn(sort));
    const rows = await deps.tenancy.query(tenantOf(c), (sql) =>
      listUsers(sql, {
        filters: {
          status: status ?? null,
          role: role ?? null,
          verified: email_verified === undefined ? null : email_verified === "true",
          text: q ?? null,
        },
        order: sort,
        after,
        limit: limit + 1,
        now: new Date(deps.clock.now()),
      }));
    return c.json(
      page(gatherRoles(rows), {
        limit,
        view: (user) => user,
        cursor: (user) => opaque(JSON.stringify([sort, user.id, textOf(sort, user)])),
      }),
      200,
    );
  });
}

export function getUser(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/{id}",
    operationId: "getUser",
    summary: "One user",
    ...access(deps, "users.read"),
    request: { params: z.object({ id: numericId }) },
    responses: {
      200: jsonResponse(userSchema, "The user"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const row = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => readUser(sql, id, new Date(deps.clock.now())),
    );
    if (!row) throw new ApiError("not_found");
    return c.json(row, 200);
  });
}

export function getOneself(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/me",
    operationId: "getOneself",
    summary: "Oneself",
    ...access(deps, null),
    responses: { 200: jsonResponse(userSchema, "The caller") },
  });
  router.openapi(route, async (c) => {
    const { tenantId, userId } = userOf(c);
    const row = await deps.tenancy.transaction(
      tenantId,
      (sql) => readUser(sql, userId, new Date(deps.clock.now())),
    );
    if (!row) throw new ApiError("invalid_token");
    return c.json(row, 200);
  });
}
