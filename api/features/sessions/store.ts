import { dropOneTimeTokens } from "../../auth/one_time_token_store.ts";
import type { TenantSql } from "../../database/tenancy.ts";

export interface SessionRules {
  /** Sessions at a time; null for no limit. */
  limit: number | null;
  /** Seconds; null where the tenant sets nothing. */
  idle: number | null;
  lifetime: number | null;
}

/** The tenant's rules; where they have a limit, log-ins of the user take turns from here on. */
export async function readSessionRules(sql: TenantSql, userId: number): Promise<SessionRules> {
  const [rules] = await sql<[SessionRules]>`
    select session_limit as limit, session_idle_seconds as idle, session_lifetime_seconds as lifetime
    from tenants where id = (select current_tenant_id())`;
  if (rules.limit !== null) {
    await sql`select from users where id = ${userId} for no key update`;
  }
  return rules;
}

/** A log-in, and therefore the user's last one. */
export async function insertSession(
  sql: TenantSql,
  session: {
    tenantId: number;
    id: string;
    userId: number;
    at: Date;
    refreshExpiresAt: Date;
    expiresAt: Date;
    steppedUpAt: Date | null;
    deviceName: string;
    peerId: string | null;
    address: string | null;
    userAgent: string;
  },
): Promise<void> {
  await sql`
    with seen as (update users set last_login_at = ${session.at} where id = ${session.userId})
    insert into sessions (
      tenant_id, id, user_id, refresh_rotated_at, refresh_expires_at, created_at, last_seen_at, expires_at,
      stepped_up_at, device_name, peer_id, address, user_agent
    ) values (
      ${session.tenantId}, ${session.id}, ${session.userId}, ${session.at}, ${session.refreshExpiresAt},
      ${session.at}, ${session.at}, ${session.expiresAt}, ${session.steppedUpAt}, ${session.deviceName},
      ${session.peerId}, ${session.address}, ${session.userAgent}
    )`;
}

export type EndReason =
  | "logout"
  | "refresh_reuse"
  | "terminated"
  | "password_changed"
  | "deactivated"
  | "revoked"
  | "mfa_changed"
  | "mfa_reset"
  | "mfa_missing";

/** What makes a user prove himself anew everywhere. */
const endsTrust: ReadonlySet<EndReason> = new Set([
  "password_changed",
  "deactivated",
  "revoked",
  "mfa_changed",
  "mfa_reset",
]);

/**
 * Where what the user is known by changed, log-ins between their two steps, trust in devices and a link for a new
 * password end as well.
 * @returns how many sessions ended by this call
 */
export async function endSessions(
  sql: TenantSql,
  which: { userId: number; reason: EndReason; at: Date; only?: string; except?: string },
): Promise<number> {
  if (endsTrust.has(which.reason)) {
    await sql`delete from login_challenges where user_id = ${which.userId}`;
    await sql`delete from mfa_trusted_devices where user_id = ${which.userId}`;
    await dropOneTimeTokens(sql, { purpose: "password_reset", userId: which.userId });
  }
  const result = await sql`
    update sessions set ended_at = ${which.at}, ended_reason = ${which.reason}
    where user_id = ${which.userId} and ended_at is null
      and (${which.only ?? null}::uuid is null or id = ${which.only ?? null})
      and (${which.except ?? null}::uuid is null or id <> ${which.except ?? null})`;
  return result.count;
}

/**
 * For what outlives a session, at the end of its transaction: an end that was answered meanwhile holds for it too, and
 * one that comes now waits.
 * @returns whether the session goes on
 */
export async function holdSession(
  sql: TenantSql,
  which: { sessionId: string; userId: number },
): Promise<boolean> {
  const held = await sql`
    select from sessions
    where id = ${which.sessionId} and user_id = ${which.userId} and ended_at is null for share`;
  return held.length > 0;
}

/** Ends those of every user of the tenant. @returns how many sessions ended */
export async function endAllSessions(sql: TenantSql, at: Date): Promise<number> {
  await sql`delete from login_challenges`;
  await sql`delete from mfa_trusted_devices`;
  await dropOneTimeTokens(sql, { purpose: "password_reset", userId: null });
  const result = await sql`
    update sessions set ended_at = ${at}, ended_reason = 'revoked' where ended_at is null`;
  return result.count;
}

/**
 * Ends what is beyond the limit, the one unused for longest first. The new one stays, though another was used since
 * its moment, or by the clock of another process that is ahead.
 * @returns how many
 */
export async function endBeyondLimit(
  sql: TenantSql,
  which: { userId: number; newest: string; limit: number; at: Date },
): Promise<number> {
  const result = await sql`
    update sessions set ended_at = ${which.at}, ended_reason = 'limit'
    where id in (
      select id from sessions
      where user_id = ${which.userId} and ended_at is null and refresh_expires_at > ${which.at}
      order by id = ${which.newest} desc, last_seen_at desc, id desc offset ${which.limit}
    )`;
  return result.count;
}

export interface SessionRow {
  id: string;
  device_name: string;
  user_agent: string;
  address: string | null;
  peer_id: string | null;
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  ended_at: Date | null;
  ended_reason: string | null;
}

const pageOf = (
  sql: TenantSql,
  which: { userId: number; now: Date; inactive: boolean },
) =>
  sql`
    select id, device_name, user_agent, host(address) as address, peer_id, created_at, last_seen_at,
      refresh_expires_at as expires_at, ended_at, ended_reason
    from sessions
    where user_id = ${which.userId}
      and (${which.inactive} or (ended_at is null and refresh_expires_at > ${which.now}))`;

/** Newest first: ids are UUIDv7. */
export async function listSessions(
  sql: TenantSql,
  page: { userId: number; now: Date; inactive: boolean; before: string | null; limit: number },
): Promise<SessionRow[]> {
  return await sql<SessionRow[]>`
    ${pageOf(sql, page)} and (${page.before}::uuid is null or id < ${page.before})
    order by id desc limit ${page.limit}`;
}

export async function readSession(
  sql: TenantSql,
  which: { userId: number; id: string; now: Date },
): Promise<SessionRow | undefined> {
  const [row] = await sql<SessionRow[]>`
    ${pageOf(sql, { ...which, inactive: true })} and id = ${which.id}`;
  return row;
}
