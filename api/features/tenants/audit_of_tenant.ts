import type { Context } from "hono";
import { type AuditEntry, auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import { asTenantId, type Enter, type PlatformSql } from "../../database/tenancy.ts";

/**
 * Writes what the platform did to a tenant into the tenant's own log, where it was the operator; and, where a
 * superadmin did it, into the log of the platform's tenant, which says who. Leaves the transaction in the tenant.
 */
export async function auditOfTenant(
  sql: PlatformSql,
  enter: Enter,
  c: Context<AppEnv>,
  entry: { tenant: number } & Pick<AuditEntry, "action" | "details">,
): Promise<void> {
  const source = auditSource(c);
  const { tenant, action, details = {} } = entry;
  const written = {
    source,
    action,
    outcome: "succeeded" as const,
    target: { type: "tenant", id: String(tenant) },
    details,
  };
  const own = source.tenantId ?? null;
  if (own !== null && own !== tenant) {
    await enter(own);
    await writeAudit(sql, { ...written, tenantId: own });
  }
  const tenantId = asTenantId(tenant);
  await enter(tenantId);
  await writeAudit(sql, { ...written, tenantId });
}
