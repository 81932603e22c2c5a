import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, changedFields, writeAudit } from "../../audit.ts";
import { asTenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { peerQuota, tenantSchema } from "./schemas.ts";
import { lockTenant, setPeerQuota } from "./store.ts";

const updated = tenantSchema.extend({ peer_quota: peerQuota });

export function updateTenant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "patch",
    path: "/{id}",
    summary: "Change what the operator sets for a tenant",
    ...access(deps, "platform.tenants"),
    request: {
      params: z.object({ id: z.string().regex(/^[1-9]\d{0,8}$/).transform(Number) }),
      ...jsonRequest(z.strictObject({ peer_quota: peerQuota })),
    },
    responses: {
      200: jsonResponse(updated, "The tenant"),
      ...refusals(400, 401, 403, 404, 413, 415, 422, 429, 503),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const changes = c.req.valid("json");
    const tenant = await deps.platform.transaction(async (sql, enter) => {
      const before = await lockTenant(sql, id);
      if (!before) throw new ApiError("not_found");
      const tenantId = asTenantId(before.id);
      await enter(tenantId);
      await setPeerQuota(sql, { id, quota: changes.peer_quota });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "tenant.update",
        outcome: "succeeded",
        target: { type: "tenant", id: String(id) },
        details: changedFields({ ...before }, changes),
      });
      return { ...before, ...changes };
    });
    return c.json({ ...tenant, created_at: tenant.created_at.toISOString() }, 200);
  });
}
