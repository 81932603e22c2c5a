import type { Context } from "hono";
import type { AuditAction } from "../../../lib/audit/actions.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";

/** Writes down what was done to a key, in the transaction that does it. */
export async function auditKey(
  sql: TenantSql,
  c: Context<AppEnv>,
  tenantId: TenantId,
  entry: {
    action: AuditAction;
    id: string;
    details: Record<string, string | number | string[] | null>;
  },
): Promise<void> {
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: entry.action,
    outcome: "succeeded",
    target: { type: "api_key", id: entry.id },
    details: entry.details,
  });
}
