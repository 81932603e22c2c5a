import type { Context } from "hono";
import type { JSONValue } from "postgres";
import type { AppEnv, Principal } from "./context.ts";
import { translateDatabaseError } from "./database/errors.ts";
import type { PlatformSql, TenantId, TenantSql } from "./database/tenancy.ts";

/** An entry could not be written, for no reason that passes by itself: nothing can be changed any more. */
export class AuditError extends Error {
  override name = "AuditError";
}

/** Who did it, from where. */
export interface AuditSource {
  actor: "user" | "api_key" | "operator" | "anonymous";
  userId: number | null;
  /** Whose user or key it is; null for the operator, and for whoever is nobody yet. */
  tenantId?: TenantId | null;
  /** Whose peer it came through. */
  peerTenantId?: TenantId | null;
  /** Stands in the details. */
  apiKeyId?: string;
  requestId: string;
  peerId: string | null;
  address: string | null;
}

export interface AuditEntry {
  /** Dotted, thing first: `peer.create`. */
  action: string;
  outcome: "succeeded" | "refused" | "failed";
  target?: { type: string; id: string };
  /** Facts, before and after; never a secret. */
  details?: Record<string, JSONValue>;
}

export function auditSource(c: Context<AppEnv>, principal?: Principal): AuditSource {
  const who = principal ?? c.get("principal");
  return {
    actor: who?.kind ?? "anonymous",
    userId: who && "userId" in who ? who.userId : null,
    tenantId: who && "tenantId" in who ? who.tenantId : null,
    peerTenantId: c.get("peer")?.tenantId ?? null,
    ...(who?.kind === "api_key" ? { apiKeyId: who.apiKeyId } : {}),
    requestId: c.get("requestId"),
    peerId: c.get("peer")?.peerId ?? null,
    address: c.env.address,
  };
}

/**
 * Writes the entry in the transaction of the change itself: both are committed, or neither.
 * @throws {AuditError} logged as critical
 */
export async function writeAudit(
  sql: TenantSql | PlatformSql,
  entry: AuditEntry & { tenantId: TenantId; source: AuditSource },
): Promise<void> {
  const source = seenFrom(entry.tenantId, entry.source);
  const { target } = entry;
  await sql`
    insert into audit_log (
      tenant_id, actor, actor_user_id, action, outcome, target_type, target_id, request_id, peer_id, address, details
    ) values (
      ${entry.tenantId}, ${source.actor}, ${source.userId}, ${entry.action}, ${entry.outcome},
      ${target?.type ?? null}, ${target?.id ?? null}, ${source.requestId}, ${source.peerId},
      ${source.address}, ${
    sql.json({ ...source.apiKeyId ? { api_key_id: source.apiKeyId } : {}, ...entry.details })
  }
    )`.catch((error) => {
    if (!(error instanceof Error) || translateDatabaseError(error)) throw error;
    throw new AuditError("an audit entry was refused", { cause: error });
  });
}

/**
 * In another tenant's log the platform's superadmin is the operator: that log has no users, keys and peers but its
 * tenant's own.
 */
function seenFrom(tenantId: TenantId, source: AuditSource): AuditSource {
  const foreign = (source.tenantId ?? tenantId) !== tenantId;
  const strayed = (source.peerTenantId ?? tenantId) !== tenantId;
  const { apiKeyId, ...rest } = source;
  return {
    ...rest,
    ...(foreign ? { actor: "operator", userId: null } : apiKeyId ? { apiKeyId } : {}),
    ...(strayed ? { peerId: null, address: null } : {}),
  };
}

/** For `details`: before and after of each field that was asked to change. */
export function changedFields(
  before: Record<string, unknown>,
  changes: Record<string, unknown>,
): Record<string, JSONValue> {
  return Object.fromEntries(
    Object.entries(changes).map(([name, after]) => [name, {
      before: JSON.stringify(before[name] ?? null),
      after: JSON.stringify(after ?? null),
    }]),
  );
}
