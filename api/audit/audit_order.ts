import type { Context } from "hono";
import { type AuditEntry, auditSource, writeAudit } from "./write_audit.ts";
import type { AppEnv } from "../context.ts";
import type { TenantId, TenantSql } from "../database/tenancy.ts";
import type { Deps } from "../deps.ts";

/**
 * What a superadmin orders for other tenants, before the first of them is touched, in the log of his own: theirs say
 * that the operator did it, and with the id of the same request how much it was. Whoever reaches the operator's
 * socket has no name and no log.
 * @param look refuses what is not to be done, so that no order is written that nobody could follow
 */
export async function auditOrder(
  deps: Pick<Deps, "tenancy">,
  c: Context<AppEnv>,
  order: { tenants: readonly TenantId[] } & Pick<AuditEntry, "action" | "target" | "details">,
  look?: (sql: TenantSql) => Promise<unknown>,
): Promise<void> {
  const { tenants, ...entry } = order;
  const source = auditSource(c);
  const own = source.tenantId ?? null;
  if (own === null || tenants.every((tenant) => tenant === own)) return;
  await deps.tenancy.transaction(own, async (sql) => {
    await look?.(sql);
    await writeAudit(sql, {
      ...entry,
      tenantId: own,
      source,
      outcome: "succeeded",
      details: { ...entry.details, tenants: tenants.length },
    });
  });
}
