import type { TransactionSql } from "postgres";
import type { Sql } from "../../db/connection.ts";
import type { AuditAction } from "../../lib/audit/actions.ts";

const action: AuditAction = "backup.restored";

export interface SettleOptions {
  /** When the backup was begun. */
  backupAt: string;
  /** Leave sessions and links as they were. */
  keepSessions: boolean;
  /** Revoke every API key. */
  revokeKeys: boolean;
}

/** What an operator has to know after a restore. */
export interface Settled {
  sessions: number;
  links: number;
  mails: number;
  keysRevoked: number;
  /** Those that let somebody in now; whether one was revoked after the backup, nothing here can tell. */
  keysLeft: number;
  peersLeft: number;
}

/**
 * A restored database does not know what ended after the backup was made. What is cheap to get again ends here:
 * sessions with their refresh tokens, trusted devices, log-ins half-way, links and mails that wait. Peers stay, so
 * that tunnels come back, and so do API keys unless told; their number is said.
 */
export async function settle(owner: Sql, options: SettleOptions): Promise<Settled> {
  return await owner.begin(async (sql) => {
    // The restored months may be over: what is noted below is to lie in its own.
    await sql`select audit_make_partitions()`;
    const ended = options.keepSessions ? { sessions: 0, links: 0 } : await endSessions(sql);
    // Some were sent after the backup, and a link in one may have been used.
    const mails = await sql`
      update mails set state = 'dead', sealed_letter = null, finished_at = now(),
        failure = 'a backup was restored'
      where state = 'queued'`;
    // An answer that is kept there may be of something that is no longer there.
    await sql`delete from idempotency_keys`;
    const revoked = options.revokeKeys
      ? await sql`update api_keys set revoked_at = now() where revoked_at is null`
      : { count: 0 };
    const details = {
      backup_at: options.backupAt,
      sessions_ended: ended.sessions,
      links_ended: ended.links,
      keys_revoked: revoked.count,
    };
    await sql`
      insert into audit_log (tenant_id, actor, action, outcome, details)
      select id, 'operator', ${action}, 'succeeded', ${sql.json(details)}::jsonb from tenants`;
    const [left] = await sql<[{ keys: number; peers: number }]>`
      select (select count(*)::integer from api_keys where revoked_at is null
          and (expires_at is null or expires_at > now())) as keys,
        (select count(*)::integer from wg_peers where enabled and deleted_at is null) as peers`;
    return {
      ...ended,
      mails: mails.count,
      keysRevoked: revoked.count,
      keysLeft: left.keys,
      peersLeft: left.peers,
    };
  });
}

async function endSessions(sql: TransactionSql): Promise<{ sessions: number; links: number }> {
  const sessions = await sql`
    update sessions set ended_at = now(), ended_reason = 'revoked' where ended_at is null`;
  await sql`delete from mfa_trusted_devices`;
  await sql`delete from login_challenges`;
  await sql`delete from mfa_pending_factors`;
  const deleted = [
    await sql`delete from one_time_tokens`,
    await sql`delete from registrations`,
    await sql`delete from invitations`,
    await sql`delete from wg_deliveries`,
  ];
  return { sessions: sessions.count, links: deleted.reduce((sum, { count }) => sum + count, 0) };
}
