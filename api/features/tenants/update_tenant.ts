import { createRoute, z } from "@hono/zod-openapi";
import { changedFields } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, numericId, type Router } from "../../openapi.ts";
import { auditOfTenant } from "./audit_of_tenant.ts";
import { peerQuota, settledTenantSchema, tenantName, viewTenant } from "./schemas.ts";
import { readTenant, updateTenantRow } from "./store.ts";

const params = z.object({ id: numericId });
const answer = jsonResponse(settledTenantSchema, "The tenant");

export function getTenant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/{id}",
    operationId: "getTenant",
    summary: "One tenant, with what the operator sets for it",
    ...access(deps, "platform.tenants"),
    request: { params },
    responses: { 200: answer },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const row = await deps.platform.transaction((sql) => readTenant(sql, id, { lock: false }));
    if (!row) throw new ApiError("not_found");
    return c.json(viewTenant(row), 200);
  });
}

export function updateTenant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "patch",
    path: "/{id}",
    operationId: "updateTenant",
    summary: "Change what the operator sets for a tenant",
    description: "Fields that are left out stay.",
    ...access(deps, "platform.tenants"),
    request: {
      params,
      ...jsonRequest(z.strictObject({
        name: tenantName.exactOptional(),
        peer_quota: peerQuota.exactOptional(),
      })),
    },
    responses: { 200: answer },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const changes = c.req.valid("json");
    const after = await deps.platform.transaction(async (sql, enter) => {
      const before = await readTenant(sql, id, { lock: true });
      if (!before) throw new ApiError("not_found");
      const after = { ...before, ...changes };
      await updateTenantRow(sql, after);
      await auditOfTenant(sql, enter, c, {
        tenant: id,
        action: "tenant.update",
        details: changedFields({ ...before }, changes),
      });
      return after;
    });
    return c.json(viewTenant(after), 200);
  });
}
