import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, refuseWithoutStepUp, tenantOf } from "../../middleware/access.ts";
import {
  jsonRequest,
  jsonResponse,
  numericId,
  refusals,
  type Router,
  timestamp,
} from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { futureTime } from "../peers/mod.ts";
import { holdCaller } from "../sessions/mod.ts";
import { refuseGrantBeyondOwn, refuseOverMightier } from "./policy.ts";
import {
  deleteUserRole,
  listUserRoles,
  lockUser,
  putUserRole,
  readRole,
  readUserRole,
  type UserRoleRow,
} from "./store.ts";

const userRole = z.object({
  role_id: z.int(),
  name: z.string(),
  active: z.boolean().openapi({ description: "It has not ended" }),
  granted_by: z.int().nullable().openapi({ description: "The user; null for the operator" }),
  granted_at: timestamp,
  expires_at: timestamp.nullable(),
}).openapi("UserRole");

function viewUserRole({ granted_at, expires_at, ...row }: UserRoleRow, now: number) {
  return {
    ...row,
    active: expires_at === null || expires_at.getTime() > now,
    granted_at: granted_at.toISOString(),
    expires_at: expires_at?.toISOString() ?? null,
  };
}

/** `/api/v1/users/{id}/roles` */
export function userRoles(router: Router, deps: Deps): void {
  getUserRoles(router, deps);
  giveRole(router, deps);
  takeRole(router, deps);
}

function getUserRoles(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/{id}/roles",
    operationId: "listUserRoles",
    summary: "The roles of a user, those that ended included",
    ...access(deps, "roles.read"),
    request: {
      params: z.object({ id: numericId }),
      query: pageQuery(z.coerce.number().int().min(0).max(2 ** 31 - 1)),
    },
    responses: {
      200: jsonResponse(pageOf(userRole), "A page of them"),
    },
  });
  router.openapi(route, async (c) => {
    const { id: userId } = c.req.valid("param");
    const { limit, cursor } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => listUserRoles(sql, { userId, after: cursor ?? 0, limit: limit + 1 }),
    );
    if (!rows) throw new ApiError("not_found");
    const now = deps.clock.now();
    return c.json(
      page(rows, {
        limit,
        view: (row) => viewUserRole(row, now),
        cursor: ({ role_id }) => String(role_id),
      }),
      200,
    );
  });
}

function giveRole(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/roles",
    operationId: "giveRole",
    summary: "Give a user a role, or another end to one that he has",
    description:
      "Takes what the role permits, for at least as long, and over no user who may do more than the caller. A user has at most 20, those that ended included until they are taken away.",
    ...access(deps, "roles.write"),
    request: {
      params: z.object({ id: numericId }),
      headers: idempotencyHeader,
      ...jsonRequest(z.strictObject({
        role_id: z.int().min(1).max(2 ** 31 - 1),
        expires_at: z.iso.datetime({ offset: true }).nullable().default(null).openapi({
          description: "When it ends by itself; null for never",
        }),
      })),
    },
    responses: {
      201: jsonResponse(userRole, "What the user has now"),
      ...refusals("grant_exceeds_own", "last_admin", "too_many_roles"),
    },
  });
  router.openapi(route, async (c) => {
    const { id: userId } = c.req.valid("param");
    const { role_id: roleId, expires_at } = c.req.valid("json");
    const now = deps.clock.now();
    const until = expires_at === null ? null : futureTime("expires_at", expires_at, now);
    const tenantId = tenantOf(c);
    const principal = c.get("principal");
    const source = auditSource(c);
    const key = await idempotencyKey(c);
    const make = async (sql: TenantSql) => {
      if (!await lockUser(sql, userId)) throw new ApiError("not_found");
      const role = await readRole(sql, roleId);
      if (!role) throw invalidField("role_id", "unknown", "there is no such role");
      const held = await readUserRole(sql, { userId, roleId });
      if (role.mfa_required) {
        if (held && endsEarlier(until, held.expires_at)) refuseToDemandLess(deps, c, userId);
      }
      await refuseGrantBeyondOwn(sql, principal, { wanted: role.permissions, until });
      await refuseOverMightier(sql, principal, { userId, now: new Date(now) });
      const at = new Date(now);
      await putUserRole(sql, { tenantId, userId, roleId, by: source.userId, at, until });
      await writeAudit(sql, {
        tenantId,
        source,
        action: "user.give_role",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
        details: {
          role: role.name,
          expires_at: until?.toISOString() ?? null,
          ...(held ? { expires_at_before: held.expires_at?.toISOString() ?? null } : {}),
        },
      });
      return roleId;
    };
    const given = await deps.tenancy.transaction(tenantId, async (sql) => {
      await createOnce(sql, key, {
        tenantId,
        now,
        make: () => make(sql),
        // What was taken away in between stays so.
        repeat: () => Promise.resolve(roleId),
        of: String,
      });
      await holdCaller(sql, principal);
      return await readUserRole(sql, { userId, roleId });
    });
    if (!given) throw new ApiError("not_found");
    return c.json(viewUserRole(given, now), 201);
  });
}

function takeRole(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}/roles/{role_id}",
    operationId: "takeRole",
    summary: "Take a role from a user; what it permitted ends at once",
    description:
      "Takes a step-up where the role demands a second factor; whose own it is does not take it then.",
    ...access(deps, "roles.write"),
    request: { params: z.object({ id: numericId, role_id: numericId }) },
    responses: {
      200: jsonResponse(z.object({ removed: z.literal(true) }), "He does not have it"),
      ...refusals("grant_exceeds_own", "last_admin", "step_up_required"),
    },
  });
  router.openapi(route, async (c) => {
    const { id: userId, role_id: roleId } = c.req.valid("param");
    const tenantId = tenantOf(c);
    const principal = c.get("principal");
    await deps.tenancy.transaction(tenantId, async (sql) => {
      if (!await lockUser(sql, userId)) throw new ApiError("not_found");
      const role = await readRole(sql, roleId);
      if (!role) throw new ApiError("not_found");
      if (role.mfa_required) refuseToDemandLess(deps, c, userId);
      await refuseOverMightier(sql, principal, { userId, now: new Date(deps.clock.now()) });
      if (!await deleteUserRole(sql, { userId, roleId })) throw new ApiError("not_found");
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "user.take_role",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
        details: { role: role.name },
      });
    });
    return c.json({ removed: true as const }, 200);
  });
}

function endsEarlier(end: Date | null, than: Date | null): boolean {
  return end !== null && (than === null || end < than);
}

/**
 * What lets a user go without a second factor that a role demands of him, now or sooner.
 * @throws {ApiError} `step_up_required`; `forbidden` of oneself, as `PUT /users/{id}/mfa`
 */
function refuseToDemandLess(deps: Deps, c: Context<AppEnv>, userId: number): void {
  refuseWithoutStepUp(deps, c);
  const principal = c.get("principal");
  if (principal?.kind === "user" && principal.userId === userId) {
    throw new ApiError("forbidden", { detail: "somebody else decides what is demanded of you" });
  }
}
