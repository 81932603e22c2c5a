import type { TenantSql } from "../database/tenancy.ts";
import { pendingFactorMs } from "../features/mfa/mod.ts";
import { clearEndedInvitations } from "../features/users/mod.ts";
import { keyLifetimeMs } from "../idempotency.ts";

/** Rows of one statement: some milliseconds, and no lock for longer. */
export const mostAtOnce = 1_000;

/** From a session's own end, whatever ended it before; the audit log keeps who had one. */
const sessionsKeptMs = 30 * 86_400_000;

/** @returns how many went; {@link mostAtOnce} where there may be more */
export async function forgetSessions(sql: TenantSql, now: number): Promise<number> {
  const { count } = await sql`
    delete from sessions where (tenant_id, id) in (
      select tenant_id, id from sessions where expires_at < ${new Date(now - sessionsKeptMs)}
      order by expires_at limit ${mostAtOnce})`;
  return count;
}

/**
 * What else has ended in the tenant, and would go with the next thing of its kind: there may be none.
 * @returns how many rows
 */
export async function forgetEnded(sql: TenantSql, now: number): Promise<number> {
  const at = new Date(now);
  const gone = await Promise.all([
    sql`delete from registrations where expires_at <= ${at}`,
    sql`delete from one_time_tokens where expires_at <= ${at}`,
    sql`delete from login_challenges where expires_at <= ${at}`,
    sql`delete from mfa_trusted_devices where expires_at <= ${at}`,
    sql`delete from mfa_pending_factors where started_at <= ${new Date(now - pendingFactorMs)}`,
    sql`delete from idempotency_keys where created_at < ${new Date(now - keyLifetimeMs)}`,
  ]);
  const invitations = await clearEndedInvitations(sql, { email: null, now: at });
  return gone.reduce((sum, { count }) => sum + count, invitations);
}
