import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { auditOrder } from "../../audit/audit_order.ts";
import { asTenantId, type TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { endAllSessions } from "./store.ts";

/** For the day on which a signing key or a backup was stolen. */
export function revokeAll(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/revoke-all",
    operationId: "revokeAllSessions",
    summary: "End every session of one tenant, or of all",
    description:
      "With them end log-ins between their two steps, trust in devices, and links for a new password.",
    ...access(deps, "platform.tenants"),
    request: jsonRequest(z.strictObject({
      tenant_id: z.int().positive().max(2 ** 31 - 1).nullable().openapi({
        description: "Null for all tenants",
      }),
    })),
    responses: {
      200: jsonResponse(z.object({ sessions_ended: z.int() }), "What ended"),
      ...refusals("not_found"),
    },
  });
  router.openapi(route, async (c) => {
    const { tenant_id } = c.req.valid("json");
    const tenants = await deps.platform.transaction((sql) =>
      sql<{ id: number }[]>`
        select id from tenants
        where status <> 'deleted' and (${tenant_id}::integer is null or id = ${tenant_id}) order by id`
    );
    if (tenant_id !== null && tenants.length === 0) throw new ApiError("not_found");
    await auditOrder(deps, c, {
      tenants: tenants.map(({ id }) => asTenantId(id)),
      action: "session.revoke_all",
      ...(tenant_id === null ? {} : { target: { type: "tenant", id: String(tenant_id) } }),
    });
    let ended = 0;
    // Tenant by tenant: what was ended stays so, whatever becomes of the rest; asked again it goes on.
    for (const { id } of tenants) ended += await endIn(asTenantId(id));
    return c.json({ sessions_ended: ended }, 200);

    function endIn(tenantId: TenantId): Promise<number> {
      return deps.tenancy.transaction(tenantId, async (sql) => {
        const count = await endAllSessions(sql, new Date(deps.clock.now()));
        await writeAudit(sql, {
          tenantId,
          source: auditSource(c),
          action: "session.revoke_all",
          outcome: "succeeded",
          target: { type: "tenant", id: String(tenantId) },
          details: { sessions_ended: count },
        });
        return count;
      });
    }
  });
}
