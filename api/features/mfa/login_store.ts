import type { PendingKind } from "../../auth/tokens.ts";
import type { TenantSql } from "../../database/tenancy.ts";

/** Also forgets the user's log-ins that came to nothing. */
export async function insertChallenge(
  sql: TenantSql,
  challenge: {
    tenantId: number;
    id: string;
    userId: number;
    kind: PendingKind;
    peerId: string | null;
    deviceName: string;
    at: Date;
    expiresAt: Date;
  },
): Promise<void> {
  await sql`
    delete from login_challenges where user_id = ${challenge.userId} and expires_at <= ${challenge.at}`;
  await sql`
    insert into login_challenges (tenant_id, id, user_id, kind, peer_id, device_name, created_at, expires_at)
    values (${challenge.tenantId}, ${challenge.id}, ${challenge.userId}, ${challenge.kind}, ${challenge.peerId},
      ${challenge.deviceName}, ${challenge.at}, ${challenge.expiresAt})`;
}

export interface ChallengeRow {
  email: string;
  peer_id: string | null;
  device_name: string;
  own_peer_only: boolean;
  trust_allowed: boolean;
}

/**
 * A log-in that can still be completed; locked, so that of many at once one completes it. Whoever has a factor sets none
 * up by it: another takes its place by a step-up alone.
 */
export async function lockChallenge(
  sql: TenantSql,
  which: { id: string; userId: number; kind: PendingKind; at: Date },
): Promise<ChallengeRow | undefined> {
  const [row] = await sql<ChallengeRow[]>`
    select u.email, c.peer_id, c.device_name, t.login_own_peer as own_peer_only,
      t.mfa_trusted_devices as trust_allowed
    from login_challenges c
    join users u on u.tenant_id = c.tenant_id and u.id = c.user_id and u.status = 'active'
    join tenants t on t.id = c.tenant_id and t.status = 'active'
    where c.id = ${which.id} and c.user_id = ${which.userId} and c.kind = ${which.kind}
      and c.used_at is null and c.expires_at > ${which.at}
      and (c.kind <> 'mfa_setup' or not exists (
        select from mfa_factors f where f.tenant_id = c.tenant_id and f.user_id = c.user_id
      ))
    for update of c`;
  return row;
}

export async function useChallenge(
  sql: TenantSql,
  used: { id: string; at: Date },
): Promise<void> {
  await sql`update login_challenges set used_at = ${used.at} where id = ${used.id}`;
}

export async function insertTrustedDevice(
  sql: TenantSql,
  device: {
    tenantId: number;
    id: string;
    userId: number;
    digest: Uint8Array;
    peerId: string | null;
    deviceName: string;
    userAgent: string;
    at: Date;
    expiresAt: Date;
  },
): Promise<void> {
  await sql`
    delete from mfa_trusted_devices where user_id = ${device.userId} and expires_at <= ${device.at}`;
  await sql`
    insert into mfa_trusted_devices (
      tenant_id, id, user_id, token_digest, peer_id, device_name, user_agent, created_at, expires_at
    ) values (
      ${device.tenantId}, ${device.id}, ${device.userId}, ${device.digest}, ${device.peerId}, ${device.deviceName},
      ${device.userAgent}, ${device.at}, ${device.expiresAt}
    )`;
}

/** @returns the device, where it is this user's, was trusted through this peer, and the tenant lets devices be trusted */
export async function useTrustedDevice(
  sql: TenantSql,
  which: { userId: number; digest: Uint8Array; peerId: string | null; at: Date },
): Promise<string | undefined> {
  const [row] = await sql<{ id: string }[]>`
    update mfa_trusted_devices d set last_used_at = ${which.at}
    from tenants t
    where t.id = d.tenant_id and t.mfa_trusted_devices and d.user_id = ${which.userId}
      and d.token_digest = ${which.digest} and d.peer_id is not distinct from ${which.peerId}::uuid
      and d.expires_at > ${which.at}
    returning d.id`;
  return row?.id;
}

export interface TrustedDeviceRow {
  id: string;
  device_name: string;
  user_agent: string;
  peer_id: string | null;
  created_at: Date;
  expires_at: Date;
  last_used_at: Date | null;
}

export async function listTrustedDevices(
  sql: TenantSql,
  of: { userId: number; at: Date; before: string | null; limit: number },
): Promise<TrustedDeviceRow[]> {
  return await sql<TrustedDeviceRow[]>`
    select id, device_name, user_agent, peer_id, created_at, expires_at, last_used_at from mfa_trusted_devices
    where user_id = ${of.userId} and expires_at > ${of.at} and (${of.before}::uuid is null or id < ${of.before})
    order by id desc limit ${of.limit}`;
}

/** @param which.id one, or all of the user's. @returns how many */
export async function deleteTrustedDevices(
  sql: TenantSql,
  which: { userId: number; id?: string },
): Promise<number> {
  const result = await sql`
    delete from mfa_trusted_devices
    where user_id = ${which.userId} and (${which.id ?? null}::uuid is null or id = ${
    which.id ?? null
  })`;
  return result.count;
}
