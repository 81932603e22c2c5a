import type { RecoveryDigest } from "../../auth/recovery_codes.ts";
import type { Permission } from "../../auth/permissions.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Locale } from "../../mail/mod.ts";
import type { Sealed } from "../../../lib/seal_ring.ts";

interface Owner {
  tenantId: number;
  userId: number;
}

/** What a sealed secret is bound to; one that waits for its first code is another row. */
export const factorRow = (owner: Owner) => `mfa_factors/${owner.tenantId}/${owner.userId}`;
export const pendingRow = (owner: Owner) => `mfa_pending_factors/${owner.tenantId}/${owner.userId}`;

export interface FactorFacts {
  enabled_at: Date | null;
  required: boolean;
  codes_left: number;
}

export async function readFactorFacts(
  sql: TenantSql,
  of: { userId: number; at: Date },
): Promise<FactorFacts> {
  const [row] = await sql<[FactorFacts]>`
    select (select enabled_at from mfa_factors where user_id = ${of.userId}) as enabled_at,
      mfa_required_of(${of.userId}, ${of.at}) as required,
      (select count(*)::integer from mfa_recovery_codes where user_id = ${of.userId} and used_at is null) as codes_left`;
  return row;
}

/** Who the user is to himself and to his authenticator app. */
export async function readOwner(
  sql: TenantSql,
  userId: number,
): Promise<{ email: string; tenant_slug: string } | undefined> {
  const [row] = await sql<{ email: string; tenant_slug: string }[]>`
    select u.email, t.slug as tenant_slug from users u join tenants t on t.id = u.tenant_id
    where u.id = ${userId}`;
  return row;
}

/** Whom a mail about the account goes to. */
export async function readAddressee(
  sql: TenantSql,
  userId: number,
): Promise<{ to: string; locale: Locale } | undefined> {
  const [row] = await sql<{ to: string; locale: Locale }[]>`
    select email as to, locale from users where id = ${userId}`;
  return row;
}

export async function countRecoveryCodes(sql: TenantSql, userId: number): Promise<number> {
  const [row] = await sql<[{ n: number }]>`
    select count(*)::integer as n from mfa_recovery_codes where user_id = ${userId} and used_at is null`;
  return row.n;
}

export async function putPendingFactor(
  sql: TenantSql,
  factor: Owner & Sealed & { at: Date },
): Promise<void> {
  await sql`
    insert into mfa_pending_factors (tenant_id, user_id, key_id, sealed_secret, started_at)
    values (${factor.tenantId}, ${factor.userId}, ${factor.keyId}, ${factor.sealed}, ${factor.at})
    on conflict (tenant_id, user_id) do update
      set key_id = excluded.key_id, sealed_secret = excluded.sealed_secret, started_at = excluded.started_at`;
}

/** Locked, so that of two that confirm it at once the second finds it gone. */
export async function lockPendingFactor(
  sql: TenantSql,
  of: { userId: number; startedAfter: Date },
): Promise<Sealed | undefined> {
  const [row] = await sql<SecretRow[]>`
    select key_id, sealed_secret from mfa_pending_factors
    where user_id = ${of.userId} and started_at > ${of.startedAfter} for update`;
  return row && sealedOf(row);
}

export async function deletePendingFactor(sql: TenantSql, userId: number): Promise<void> {
  await sql`delete from mfa_pending_factors where user_id = ${userId}`;
}

interface SecretRow {
  key_id: string;
  sealed_secret: Uint8Array;
}

const sealedOf = (row: SecretRow): Sealed => ({ keyId: row.key_id, sealed: row.sealed_secret });

/** Puts a factor in place, instead of the one that there may be. */
export async function putFactor(
  sql: TenantSql,
  factor: Owner & Sealed & { at: Date; step: number },
): Promise<void> {
  await sql`
    insert into mfa_factors (tenant_id, user_id, key_id, sealed_secret, enabled_at, last_step)
    values (${factor.tenantId}, ${factor.userId}, ${factor.keyId}, ${factor.sealed}, ${factor.at}, ${factor.step})
    on conflict (tenant_id, user_id) do update
      set key_id = excluded.key_id, sealed_secret = excluded.sealed_secret, enabled_at = excluded.enabled_at,
        last_step = greatest(mfa_factors.last_step, excluded.last_step)`;
}

export async function readFactor(sql: TenantSql, userId: number): Promise<Sealed | undefined> {
  const [row] = await sql<SecretRow[]>`
    select key_id, sealed_secret from mfa_factors where user_id = ${userId}`;
  return row && sealedOf(row);
}

/** Uses up a time step and all before it. @returns false where that one was used up already */
export async function useStep(
  sql: TenantSql,
  used: { userId: number; step: number },
): Promise<boolean> {
  const result = await sql`
    update mfa_factors set last_step = ${used.step}
    where user_id = ${used.userId} and last_step < ${used.step}`;
  return result.count > 0;
}

/** Takes the second factor away, with all that goes with it. @returns whether there was one */
export async function deleteFactor(sql: TenantSql, userId: number): Promise<boolean> {
  await deletePendingFactor(sql, userId);
  await sql`delete from mfa_recovery_codes where user_id = ${userId}`;
  const result = await sql`delete from mfa_factors where user_id = ${userId}`;
  return result.count > 0;
}

export async function replaceRecoveryCodes(
  sql: TenantSql,
  owner: Owner,
  codes: readonly RecoveryDigest[],
): Promise<void> {
  await sql`delete from mfa_recovery_codes where user_id = ${owner.userId}`;
  for (const { keyId, digest } of codes) {
    await sql`
      insert into mfa_recovery_codes (tenant_id, user_id, digest, key_id)
      values (${owner.tenantId}, ${owner.userId}, ${digest}, ${keyId})`;
  }
}

/** @returns false where there is no such code, or it was used */
export async function useRecoveryCode(
  sql: TenantSql,
  used: { userId: number; candidates: readonly RecoveryDigest[]; at: Date },
): Promise<boolean> {
  for (const { digest } of used.candidates) {
    const result = await sql`
      update mfa_recovery_codes set used_at = ${used.at}
      where user_id = ${used.userId} and digest = ${digest} and used_at is null`;
    if (result.count > 0) return true;
  }
  return false;
}

export function readPasswordHash(sql: TenantSql, userId: number) {
  return sql<{ password_hash: string }[]>`select password_hash from users where id = ${userId}`;
}

/** A user that somebody decides over: what he may do himself, and whether a factor is demanded of him by name. */
export async function readSubject(
  sql: TenantSql,
  of: { userId: number; at: Date },
): Promise<{ permissions: Permission[]; required: boolean } | undefined> {
  const [row] = await sql<{ permissions: Permission[]; required: boolean }[]>`
    select permissions_of(id, ${of.at}) as permissions, mfa_required as required
    from users where id = ${of.userId} for no key update`;
  return row;
}

/** Demands a second factor of this user, whatever his tenant and roles demand; or no longer does. */
export async function setRequired(
  sql: TenantSql,
  of: { userId: number; required: boolean },
): Promise<void> {
  await sql`update users set mfa_required = ${of.required} where id = ${of.userId}`;
}

/** Notes that the session's user showed his strongest factor just now. @returns false where it has ended meanwhile */
export async function stepUp(
  sql: TenantSql,
  session: { sessionId: string; userId: number; at: Date },
): Promise<boolean> {
  const result = await sql`
    update sessions set stepped_up_at = ${session.at}
    where id = ${session.sessionId} and user_id = ${session.userId} and ended_at is null`;
  return result.count > 0;
}

/** Secrets under other keys than the one that seals now, of users after this one; locked. */
export async function lockFactorsOfOtherKeys(
  sql: TenantSql,
  which: { keyId: string; after: number; limit: number },
): Promise<(Sealed & { userId: number })[]> {
  const rows = await sql<(SecretRow & { user_id: number })[]>`
    select user_id, key_id, sealed_secret from mfa_factors where key_id <> ${which.keyId}
      and user_id > ${which.after}
    order by user_id limit ${which.limit} for update`;
  return rows.map((row) => ({ userId: row.user_id, ...sealedOf(row) }));
}

export async function resealFactor(
  sql: TenantSql,
  factor: Sealed & { userId: number },
): Promise<void> {
  await sql`
    update mfa_factors set key_id = ${factor.keyId}, sealed_secret = ${factor.sealed}
    where user_id = ${factor.userId}`;
}

/** Users whose unused recovery codes are known by other keys than the one that seals now. */
export function countUnderOtherKeys(sql: TenantSql, keyId: string) {
  return sql<{ key_id: string; users: number }[]>`
    select key_id, count(distinct user_id)::integer as users from mfa_recovery_codes
    where key_id <> ${keyId} and used_at is null group by key_id order by key_id`;
}
