import type { Context } from "hono";
import type { AuditAction } from "../../lib/audit/actions.ts";
import { type AuditEntry, auditSource, writeAudit } from "./write_audit.ts";
import type { AppEnv } from "../context.ts";
import { asTenantId, type PlatformSql, type TenantId } from "../database/tenancy.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../errors.ts";

interface Change<T> {
  result: T;
  /** Null where nothing changed. */
  entry: {
    action: AuditAction;
    id: number;
    details: NonNullable<AuditEntry["details"]>;
  } | null;
}

/**
 * A change of a gateway, or of keys on it, by the operator, with its entry in the log of the platform's own tenant: a
 * gateway is no tenant's. @throws {ApiError} `platform_missing`
 */
export async function asThePlatform<T>(
  deps: Pick<Deps, "platform">,
  c: Context<AppEnv>,
  work: (sql: PlatformSql, platform: TenantId) => Promise<Change<T>>,
): Promise<T> {
  return await deps.platform.transaction(async (sql, enter) => {
    const [row] = await sql<{ id: number }[]>`select id from tenants where is_platform`;
    if (!row) {
      throw new ApiError("platform_missing", {
        detail: "the decision would be in nobody's audit log",
      });
    }
    const tenantId = asTenantId(row.id);
    await enter(tenantId);
    const { result, entry } = await work(sql, tenantId);
    if (!entry) return result;
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c),
      action: entry.action,
      outcome: "succeeded",
      target: { type: "wg_interface", id: String(entry.id) },
      details: entry.details,
    });
    return result;
  });
}
