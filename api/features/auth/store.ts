import type { Tenancy, TenantSql } from "../../database/tenancy.ts";
import type { RefreshToken } from "../../auth/tokens.ts";

export interface RefreshRow {
  user_id: number;
  email: string;
  refresh_counter: number;
  refresh_rotated_at: Date;
  refresh_expires_at: Date;
  expires_at: Date;
  ended_at: Date | null;
  active: boolean;
  /** The tenant has its users come through a peer of their own alone. */
  login_own_peer: boolean;
  /** A second factor is demanded of the user, and he has none. */
  mfa_missing: boolean;
  /** Seconds that the tenant lets a session idle; null where it sets nothing. */
  idle: number | null;
}

/**
 * Makes the next token current where the newest was presented and nothing speaks against it, in one message.
 * @param by.ownPeer whether it came through a peer of the user's own
 * @param by.idleSeconds how long the server lets a session idle
 * @returns undefined where there is more to it, and nothing was changed
 */
export async function rotateNewest(
  tenancy: Tenancy,
  token: RefreshToken,
  by: { at: Date; ownPeer: boolean; idleSeconds: number },
): Promise<{ email: string; counter: number; refresh_expires_at: Date } | undefined> {
  const { tenantId, sessionId, userId, counter } = token;
  const [row] = await tenancy.act(
    tenantId,
    (sql) =>
      sql<{ email: string; counter: number; refresh_expires_at: Date }[]>`
      select * from session_rotate(
        ${tenantId}, ${sessionId}, ${userId}, ${counter}, ${by.at}, ${by.ownPeer}, ${by.idleSeconds}
      )`,
  );
  return row;
}

/** Locks the session, so that refreshes of one session take turns. */
export async function lockSession(
  sql: TenantSql,
  session: { id: string; userId: number; at: Date },
): Promise<RefreshRow | undefined> {
  const [row] = await sql<RefreshRow[]>`
    select s.user_id, u.email, s.refresh_counter, s.refresh_rotated_at, s.refresh_expires_at, s.expires_at,
      s.ended_at, u.status = 'active' and t.status = 'active' as active, t.login_own_peer,
      mfa_required_of(u.id, ${session.at})
        and not exists (select from mfa_factors f where f.tenant_id = u.tenant_id and f.user_id = u.id)
        as mfa_missing,
      t.session_idle_seconds as idle
    from sessions s
    join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    join tenants t on t.id = s.tenant_id
    where s.id = ${session.id} and s.user_id = ${session.userId}
    for update of s`;
  return row;
}

/** Moves the session on to its next refresh token, and its end with it. */
export async function rotateSession(
  sql: TenantSql,
  session: { id: string; at: Date; refreshExpiresAt: Date },
): Promise<void> {
  await sql`
    update sessions set refresh_counter = refresh_counter + 1, refresh_rotated_at = ${session.at},
      refresh_expires_at = ${session.refreshExpiresAt}, last_seen_at = ${session.at}
    where id = ${session.id}`;
}
