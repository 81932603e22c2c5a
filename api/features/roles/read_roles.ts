import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, numericId, type Router } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { roleSchema, viewRole } from "./schemas.ts";
import { listRoles, readRole } from "./store.ts";

export function getRoles(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listRoles",
    summary: "The tenant's roles, those of the system first",
    ...access(deps, "roles.read"),
    request: { query: pageQuery(z.coerce.number().int().min(0).max(2 ** 31 - 1)) },
    responses: {
      200: jsonResponse(pageOf(roleSchema), "A page of roles"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => listRoles(sql, { after: cursor ?? 0, limit: limit + 1 }),
    );
    return c.json(page(rows, { limit, view: viewRole, cursor: ({ id }) => String(id) }), 200);
  });
}

export function getRole(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/{id}",
    operationId: "getRole",
    summary: "One role",
    ...access(deps, "roles.read"),
    request: { params: z.object({ id: numericId }) },
    responses: {
      200: jsonResponse(roleSchema, "The role"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const row = await deps.tenancy.transaction(tenantOf(c), (sql) => readRole(sql, id));
    if (!row) throw new ApiError("not_found");
    return c.json(viewRole(row), 200);
  });
}
