import type { TenantSql } from "../../database/tenancy.ts";

export interface LoginAccount {
  user_id: number;
  email: string;
  password_hash: string;
  active: boolean;
}

/** Whether the tenant has its users come through a peer of their own alone. */
export function readOwnPeerOnly(sql: TenantSql) {
  return sql<[{ login_own_peer: boolean }]>`
    select login_own_peer from tenants where id = (select current_tenant_id())`;
}

/** One query whether the account exists or not, so that both cost the same. */
export function readLoginFacts(sql: TenantSql, email: string) {
  return sql<[{ account: LoginAccount | null; own_peer_only: boolean }]>`
    select
      coalesce((select login_own_peer from tenants where id = (select current_tenant_id())), false)
        as own_peer_only,
      (
        select jsonb_build_object(
          'user_id', u.id, 'email', u.email, 'password_hash', u.password_hash,
          'active', u.status = 'active' and t.status = 'active'
        )
        from users u join tenants t on t.id = u.tenant_id
        where u.email = ${email}
      ) as account`;
}

/**
 * How often log-ins of this identifier from this source failed since then, without one that succeeded. They take
 * turns from here to their commit, so that many at once are counted like one after the other.
 */
export async function countFailures(
  sql: TenantSql,
  by: { tenantId: number; digest: Uint8Array; source: string; since: Date },
): Promise<number> {
  await sql`
    select pg_advisory_xact_lock(
      hashtextextended(${`${by.tenantId}/${by.digest.toHex()}/${by.source}`}, 0))`;
  const [row] = await sql<[{ n: number }]>`
    select count(*)::integer as n from login_attempts a
    where a.identifier_digest = ${by.digest} and a.source = ${by.source}
      and a.at > ${by.since}
      and a.id > coalesce((
        select max(s.id) from login_attempts s
        where s.identifier_digest = ${by.digest} and s.source = ${by.source}
          and s.at > ${by.since} and s.outcome = 'succeeded'
      ), 0)
      and a.outcome = 'failed'`;
  return row.n;
}

/** What may be forgotten at a time: more than one attempt adds, and little enough to keep nobody waiting. */
const forgottenAtOnce = 100;

/** First key of an advisory lock: one at a time forgets. */
const forgetLock = 3;

/** Also forgets attempts that no lock looks at any more, unless somebody else does so now. */
export async function recordAttempt(
  sql: TenantSql,
  attempt: {
    tenantId: number;
    digest: Uint8Array;
    source: string;
    outcome: "succeeded" | "failed" | "locked";
    at: Date;
  },
): Promise<void> {
  await sql`
    insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
    values (${attempt.tenantId}, ${attempt.digest}, ${attempt.source}, ${attempt.outcome}, ${attempt.at})`;
  // A day is what the database lets the API delete at the soonest.
  const [turn] = await sql<[{ mine: boolean }]>`
    select pg_try_advisory_xact_lock(${forgetLock}, ${attempt.tenantId}) as mine`;
  if (!turn.mine) return;
  await sql`
    delete from login_attempts where id in (
      select id from login_attempts
      where tenant_id = ${attempt.tenantId} and at < least(${attempt.at}, now()) - interval '1 day'
      order by at limit ${forgottenAtOnce})`;
}

export interface RefreshRow {
  user_id: number;
  email: string;
  refresh_counter: number;
  refresh_rotated_at: Date;
  refresh_expires_at: Date;
  expires_at: Date;
  ended_at: Date | null;
  active: boolean;
  /** Seconds that the tenant lets a session idle; null where it sets nothing. */
  idle: number | null;
}

/** Locks the session, so that refreshes of one session take turns. */
export async function lockSession(
  sql: TenantSql,
  session: { id: string; userId: number },
): Promise<RefreshRow | undefined> {
  const [row] = await sql<RefreshRow[]>`
    select s.user_id, u.email, s.refresh_counter, s.refresh_rotated_at, s.refresh_expires_at, s.expires_at,
      s.ended_at, u.status = 'active' and t.status = 'active' as active,
      t.session_idle_seconds as idle
    from sessions s
    join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    join tenants t on t.id = s.tenant_id
    where s.id = ${session.id} and s.user_id = ${session.userId}
    for update of s`;
  return row;
}

export async function rotateSession(
  sql: TenantSql,
  session: { id: string; at: Date; refreshExpiresAt: Date },
): Promise<void> {
  await sql`
    update sessions set refresh_counter = refresh_counter + 1, refresh_rotated_at = ${session.at},
      refresh_expires_at = ${session.refreshExpiresAt}, last_seen_at = ${session.at}
    where id = ${session.id}`;
}

export async function readMe(sql: TenantSql, userId: number) {
  const [row] = await sql<{
    id: number;
    email: string;
    name: string;
    created_at: Date;
    tenant: { id: number; slug: string; name: string };
  }[]>`
    select u.id, u.email, u.name, u.created_at,
      jsonb_build_object('id', t.id, 'slug', t.slug, 'name', t.name) as tenant
    from users u join tenants t on t.id = u.tenant_id
    where u.id = ${userId}`;
  return row;
}
