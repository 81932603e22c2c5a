import type { PasswordPolicy } from "../../auth/password_rules.ts";
import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";
import { type IdempotencyKey, keyLifetimeMs } from "../../idempotency.ts";

export interface TenantRow {
  id: number;
  slug: string;
  name: string;
  status: "active" | "suspended";
  is_platform: boolean;
  created_at: Date;
}

export async function insertTenant(
  sql: PlatformSql,
  tenant: { slug: string; name: string; is_platform: boolean; unfinishedSince: Date | null },
): Promise<TenantRow> {
  const [row] = await sql<[TenantRow]>`
    insert into tenants (slug, name, is_platform, unfinished_since)
    values (${tenant.slug}, ${tenant.name}, ${tenant.is_platform}, ${tenant.unfinishedSince})
    returning id, slug, name, status, is_platform, created_at`;
  return row;
}

/** After this nobody who makes a tenant still waits for another process to do the rest. */
const abandonedMs = 3_600_000;

/**
 * Tenants whose creation did not get to its end, locked: one of a number, or those in the way of a slug together with
 * all that were given up. Whoever is finishing one at this moment has locked it, and it is none of them afterwards.
 */
export async function lockUnfinished(
  sql: PlatformSql,
  which: { id: number } | { slug: string; now: Date },
): Promise<{ id: number; slug: string }[]> {
  return await sql<{ id: number; slug: string }[]>`
    select id, slug from tenants
    where unfinished_since is not null and status = 'suspended' and ${
    "id" in which
      ? sql`id = ${which.id}`
      : sql`(slug = ${which.slug} or unfinished_since < ${new Date(
        which.now.getTime() - abandonedMs,
      )})`
  }
    order by id for update`;
}

/** Makes the tenant of the transaction one like all others. @returns its status, and whether it was one before */
export async function finishTenant(
  sql: TenantSql,
): Promise<{ status: TenantRow["status"]; before: boolean } | undefined> {
  const [done] = await sql<Pick<TenantRow, "status">[]>`
    update tenants set unfinished_since = null
    where id = (select current_tenant_id()) and unfinished_since is not null and status = 'suspended'
    returning status`;
  if (done) return { ...done, before: false };
  const [there] = await sql<Pick<TenantRow, "status">[]>`
    select status from tenants
    where id = (select current_tenant_id()) and unfinished_since is null and status <> 'deleted'`;
  return there && { ...there, before: true };
}

/** The tenant that a key made, and whether by the same request. Requests with one key take turns from here on. */
export async function creationBy(
  sql: PlatformSql,
  { principal, key, digest }: IdempotencyKey,
  now: Date,
): Promise<{ tenant: TenantRow; same: boolean } | undefined> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`tenant by ${principal} ${key}`}, 0))`;
  await sql`
    delete from tenant_creations k using tenants t
    where t.id = k.made and (k.created_at < ${new Date(now.getTime() - keyLifetimeMs)}
      or t.status = 'deleted' and k.principal = ${principal} and k.key = ${key})`;
  const [row] = await sql<(TenantRow & { same: boolean })[]>`
    select t.id, t.slug, t.name, t.status, t.is_platform, t.created_at, k.request_digest = ${digest} as same
    from tenant_creations k join tenants t on t.id = k.made
    where k.principal = ${principal} and k.key = ${key}`;
  if (!row) return undefined;
  const { same, ...tenant } = row;
  return { tenant, same };
}

/** Remembers under which key a tenant was made, in the transaction that makes it. */
export async function noteCreation(
  sql: PlatformSql,
  { principal, key, digest }: IdempotencyKey,
  made: { tenantId: number; now: Date },
): Promise<void> {
  await sql`
    insert into tenant_creations (made, principal, key, request_digest, created_at)
    values (${made.tenantId}, ${principal}, ${key}, ${digest}, ${made.now})`;
}

/** Who was made together with the platform's tenant. */
export async function findPlatformAdmin(
  sql: PlatformSql,
  email: string,
): Promise<number | undefined> {
  const [row] = await sql<{ id: number }[]>`
    select u.id from users u join tenants t on t.id = u.tenant_id and t.is_platform
    where u.tenant_id = (select current_tenant_id()) and u.email = ${email}`;
  return row?.id;
}

export type SettledTenant = TenantRow & { peer_quota: number | null };

/** Those that were deleted are no tenants any more, and unfinished ones none yet, wherever one is looked for. */
export async function listTenants(
  sql: PlatformSql,
  page: { after: number; limit: number; status: TenantRow["status"] | null },
): Promise<TenantRow[]> {
  return await sql<TenantRow[]>`
    select id, slug, name, status, is_platform, created_at from tenants
    where id > ${page.after} and status <> 'deleted' and unfinished_since is null
      and (${page.status}::text is null or status = ${page.status})
    order by id limit ${page.limit}`;
}

/** A tenant with what the operator sets for it; locked for a change when asked to. */
export async function readTenant(
  sql: PlatformSql,
  id: number,
  options: { lock: boolean },
): Promise<SettledTenant | undefined> {
  const [row] = await sql<SettledTenant[]>`
    select id, slug, name, status, is_platform, created_at, peer_quota from tenants
    where id = ${id} and status <> 'deleted' and unfinished_since is null ${
    options.lock ? sql`for no key update` : sql``
  }`;
  return row;
}

/** What the operator may change; the caller has locked the row. */
export async function updateTenantRow(
  sql: PlatformSql,
  tenant: Pick<SettledTenant, "id" | "name" | "peer_quota">,
): Promise<void> {
  await sql`
    update tenants set name = ${tenant.name}, peer_quota = ${tenant.peer_quota} where id = ${tenant.id}`;
}

export async function setTenantStatus(
  sql: PlatformSql,
  tenant: { id: number; status: TenantRow["status"] },
): Promise<void> {
  await sql`
    update tenants set status = ${tenant.status} where id = ${tenant.id} and status <> ${tenant.status}`;
}

/**
 * Makes tombstones of all peers of the tenant, while it is suspended: whoever resumes it waits until this is over.
 * @returns false, and does nothing, where it is not suspended by now
 */
export async function removeAllPeers(sql: TenantSql): Promise<boolean> {
  const [suspended] = await sql`
    select from tenants where id = (select current_tenant_id()) and status = 'suspended' for share`;
  if (!suspended) return false;
  await sql`update wg_peers set deleted_at = coalesce(deleted_at, now())`;
  return true;
}

/** Deletes all but number and audit log. @returns false, and does nothing, while keys may be on an interface */
export async function eraseTenant(sql: PlatformSql, id: number): Promise<boolean> {
  // A tenant can have a million rows; the role's own limits are for requests that somebody waits for.
  await sql`set local statement_timeout = '5min'`;
  await sql`set local lock_timeout = '5s'`;
  const [row] = await sql<[{ erased: boolean }]>`select erase_tenant(${id}) as erased`;
  return row.erased;
}

export interface CurrentTenantRow extends TenantRow {
  client_allowed_ips: string[] | null;
  dns: string[] | null;
  mtu: number | null;
  persistent_keepalive: number | null;
  gateway_id: number | null;
  user_peer_quota: number;
  login_own_peer: boolean;
  session_limit: number | null;
  session_idle_seconds: number | null;
  session_lifetime_seconds: number | null;
  mfa_required: "off" | "admins" | "all";
  mfa_trusted_devices: boolean;
  password_policy: PasswordPolicy;
  registration: "off" | "invite" | "open";
  peer_quota: number | null;
}

/** The tenant of the transaction; locked for a change when asked to. */
export async function readCurrentTenant(
  sql: TenantSql,
  options: { lock: boolean },
): Promise<CurrentTenantRow | undefined> {
  const [row] = await sql<CurrentTenantRow[]>`
    select id, slug, name, status, is_platform, created_at,
      wg_client_allowed_ips::text[] as client_allowed_ips,
      case when wg_dns is not null then array(select host(d) from unnest(wg_dns) d) end as dns, wg_mtu as mtu,
      wg_persistent_keepalive as persistent_keepalive, wg_gateway as gateway_id, user_peer_quota, login_own_peer,
      session_limit, session_idle_seconds, session_lifetime_seconds, mfa_required, mfa_trusted_devices,
      password_policy, registration, peer_quota
    from tenants where id = (select current_tenant_id())
    ${options.lock ? sql`for no key update` : sql``}`;
  return row;
}

/** Writes all that a tenant may set; the caller has locked the row. */
export async function updateCurrentTenantRow(
  sql: TenantSql,
  tenant: Omit<CurrentTenantRow, keyof TenantRow | "peer_quota">,
): Promise<void> {
  await sql`
    update tenants set
      wg_client_allowed_ips =
        (select array_agg(network(n::inet)) from unnest(${tenant.client_allowed_ips}::text[]) n),
      wg_dns = ${tenant.dns}::text[]::inet[], wg_mtu = ${tenant.mtu},
      wg_persistent_keepalive = ${tenant.persistent_keepalive}, wg_gateway = ${tenant.gateway_id},
      user_peer_quota = ${tenant.user_peer_quota}, login_own_peer = ${tenant.login_own_peer},
      session_limit = ${tenant.session_limit}, session_idle_seconds = ${tenant.session_idle_seconds},
      session_lifetime_seconds = ${tenant.session_lifetime_seconds},
      mfa_required = ${tenant.mfa_required}, mfa_trusted_devices = ${tenant.mfa_trusted_devices},
      password_policy = ${tenant.password_policy}, registration = ${tenant.registration}
    where id = (select current_tenant_id())`;
}

/** Takes back the trust in every device of the tenant's users. */
export async function distrustAll(sql: TenantSql): Promise<void> {
  await sql`delete from mfa_trusted_devices`;
}
