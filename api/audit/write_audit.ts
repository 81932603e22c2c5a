import type { Context } from "hono";
import type { JSONValue } from "postgres";
import type { AuditAction } from "../../lib/audit/actions.ts";
import type { AppEnv } from "../context.ts";
import { translateDatabaseError } from "../database/errors.ts";
import type { PlatformSql, TenantId, TenantSql } from "../database/tenancy.ts";

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
  action: AuditAction;
  /** What fails is rolled back, and its entry with it. */
  outcome: "succeeded" | "refused";
  target?: { type: string; id: string };
  /** Facts, before and after; never a secret. */
  details?: Record<string, JSONValue>;
}

/** @param proven the user that the caller proved to be just now, where no token said so before */
export function auditSource(c: Context<AppEnv>, proven?: number): AuditSource {
  const who = c.get("principal");
  return {
    actor: proven === undefined ? who?.kind ?? "anonymous" : "user",
    userId: proven ?? (who && "userId" in who ? who.userId : null),
    tenantId: who && "tenantId" in who ? who.tenantId : null,
    peerTenantId: c.get("peer")?.tenantId ?? null,
    ...(who?.kind === "api_key" ? { apiKeyId: who.apiKeyId } : {}),
    requestId: c.get("requestId"),
    peerId: c.get("peer")?.peerId ?? null,
    address: c.env.address,
  };
}

type WholeEntry = AuditEntry & { tenantId: TenantId; source: AuditSource };

/** The columns of an entry. */
export function auditRow(entry: WholeEntry) {
  const source = seenFrom(entry.tenantId, entry.source);
  return {
    actor: source.actor,
    actor_user_id: source.userId,
    action: entry.action,
    outcome: entry.outcome,
    target_type: entry.target?.type ?? null,
    target_id: entry.target?.id ?? null,
    request_id: source.requestId,
    peer_id: source.peerId,
    address: source.address,
    details: { ...source.apiKeyId ? { api_key_id: source.apiKeyId } : {}, ...entry.details },
  };
}

/**
 * Writes the entry in the transaction of the change itself: both are committed, or neither.
 * @throws {AuditError} logged as critical
 */
export async function writeAudit(
  sql: TenantSql | PlatformSql,
  entry: WholeEntry,
): Promise<void> {
  const row = auditRow(entry);
  await sql`
    insert into audit_log (
      tenant_id, actor, actor_user_id, action, outcome, target_type, target_id, request_id, peer_id, address, details
    ) values (
      ${entry.tenantId}, ${row.actor}, ${row.actor_user_id}, ${row.action}, ${row.outcome},
      ${row.target_type}, ${row.target_id}, ${row.request_id}, ${row.peer_id}, ${row.address},
      ${sql.json(row.details)}
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

/** Bytes of details that one change writes; the database takes more, and its own text is longer. */
const mostDetailBytes = 48 * 1024;

type Details = NonNullable<AuditEntry["details"]>;

/** The details as they are, or in a shorter form where they would be too long for an entry. */
export function fitting(details: Details, shorter: () => Details): Details {
  const bytes = new TextEncoder().encode(JSON.stringify(details)).byteLength;
  return bytes > mostDetailBytes ? shorter() : details;
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
