import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, changedFields, writeAudit } from "../../audit/write_audit.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, refuseWithoutStepUp, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, numericId, refusals, type Router } from "../../openapi.ts";
import { holdCaller } from "../sessions/mod.ts";
import { refuseGrantBeyondOwn } from "./policy.ts";
import { roleBody, roleSchema, viewRole } from "./schemas.ts";
import {
  deleteRole,
  insertRole,
  lockRole,
  readRole,
  replaceRolePermissions,
  type RoleRow,
  updateRoleRow,
} from "./store.ts";

export function createRole(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/",
    operationId: "createRole",
    summary: "Make a role",
    description:
      "It can permit what its maker may do himself, for good, and nothing more. A tenant makes at most 100.",
    ...access(deps, "roles.write"),
    request: { headers: idempotencyHeader, ...jsonRequest(roleBody) },
    responses: {
      201: jsonResponse(roleSchema, "The role"),
      ...refusals("grant_exceeds_own", "role_name_taken", "too_many_roles"),
    },
  });
  router.openapi(route, async (c) => {
    const { name, description, permissions, mfa_required } = c.req.valid("json");
    const tenantId = tenantOf(c);
    const key = await idempotencyKey(c);
    const make = async (sql: TenantSql) => {
      await refuseGrantBeyondOwn(sql, c.get("principal"), { wanted: permissions, until: null });
      const id = await insertRole(sql, {
        tenantId,
        name,
        about: description,
        mfaRequired: mfa_required,
      });
      await replaceRolePermissions(sql, { tenantId, id, permissions });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "role.create",
        outcome: "succeeded",
        target: { type: "role", id: String(id) },
        details: { name, permissions, mfa_required },
      });
      return id;
    };
    const made = await deps.tenancy.transaction(tenantId, async (sql) => {
      const id = await createOnce(sql, key, {
        tenantId,
        now: deps.clock.now(),
        make: () => make(sql),
        repeat: (earlier) => Promise.resolve(Number(earlier)),
        of: String,
      });
      await holdCaller(sql, c.get("principal"));
      return await readRole(sql, id);
    });
    if (!made) throw new ApiError("not_found");
    c.header("Location", `/api/v1/roles/${made.id}`);
    return c.json(viewRole(made), 201);
  });
}

export function updateRole(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "put",
    path: "/{id}",
    operationId: "updateRole",
    summary: "Replace what a role is",
    description:
      "Takes every permission that the role has before or after: nobody widens or narrows what he could not give. To demand a second factor no longer takes a step-up.",
    ...access(deps, "roles.write"),
    request: { params: z.object({ id: numericId }), ...jsonRequest(roleBody) },
    responses: {
      200: jsonResponse(roleSchema, "The role"),
      ...refusals("grant_exceeds_own", "step_up_required", "role_name_taken", "system_role"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { name, description, permissions, mfa_required } = c.req.valid("json");
    const tenantId = tenantOf(c);
    const changed = await deps.tenancy.transaction(tenantId, async (sql) => {
      const before = await lockOwnRole(sql, id);
      if (before.mfa_required && !mfa_required) refuseWithoutStepUp(deps, c);
      await refuseGrantBeyondOwn(sql, c.get("principal"), {
        wanted: [...before.permissions, ...permissions],
        until: null,
      });
      // Before it is changed: whoever narrows a role of his own may do less afterwards.
      await holdCaller(sql, c.get("principal"));
      await updateRoleRow(sql, { id, name, about: description, mfaRequired: mfa_required });
      await replaceRolePermissions(sql, { tenantId, id, permissions });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "role.update",
        outcome: "succeeded",
        target: { type: "role", id: String(id) },
        details: changedFields({ ...before, description: before.about }, {
          name,
          description,
          permissions: permissions.toSorted(),
          mfa_required,
        }),
      });
      return await readRole(sql, id);
    });
    if (!changed) throw new ApiError("not_found");
    return c.json(viewRole(changed), 200);
  });
}

export function removeRole(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}",
    operationId: "removeRole",
    summary: "Remove a role that nobody has",
    ...access(deps, "roles.write"),
    request: { params: z.object({ id: numericId }) },
    responses: {
      200: jsonResponse(z.object({ removed: z.literal(true) }), "It is gone"),
      ...refusals("grant_exceeds_own", "role_in_use", "system_role"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const tenantId = tenantOf(c);
    await deps.tenancy.transaction(tenantId, async (sql) => {
      const role = await lockOwnRole(sql, id);
      await refuseGrantBeyondOwn(sql, c.get("principal"), {
        wanted: role.permissions,
        until: null,
      });
      await deleteRole(sql, id, new Date(deps.clock.now()));
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "role.delete",
        outcome: "succeeded",
        target: { type: "role", id: String(id) },
        details: { name: role.name, permissions: role.permissions },
      });
    });
    return c.json({ removed: true as const }, 200);
  });
}

/** A role that the tenant made, locked. @throws {ApiError} `not_found`, `system_role` */
async function lockOwnRole(sql: TenantSql, id: number): Promise<RoleRow> {
  const role = await lockRole(sql, id);
  if (!role) throw new ApiError("not_found");
  if (role.system) throw new ApiError("system_role");
  return role;
}
