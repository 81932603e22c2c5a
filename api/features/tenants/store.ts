import type { PasswordPolicy } from "../../auth/password_rules.ts";
import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";

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
  tenant: { slug: string; name: string; is_platform: boolean },
): Promise<TenantRow> {
  const [row] = await sql<[TenantRow]>`
    insert into tenants (slug, name, is_platform)
    values (${tenant.slug}, ${tenant.name}, ${tenant.is_platform})
    returning id, slug, name, status, is_platform, created_at`;
  return row;
}

export type SettledTenant = TenantRow & { peer_quota: number | null };

/** Those that were deleted are no tenants any more, wherever one is looked for. */
export async function listTenants(
  sql: PlatformSql,
  page: { after: number; limit: number; status: TenantRow["status"] | null },
): Promise<TenantRow[]> {
  return await sql<TenantRow[]>`
    select id, slug, name, status, is_platform, created_at from tenants
    where id > ${page.after} and status <> 'deleted'
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
    where id = ${id} and status <> 'deleted' ${options.lock ? sql`for no key update` : sql``}`;
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

/** Makes tombstones of all peers of the tenant. @returns how many are on their way out */
export async function removeAllPeers(sql: TenantSql): Promise<number> {
  const result = await sql`update wg_peers set deleted_at = coalesce(deleted_at, now())`;
  return result.count;
}

/** Deletes all but number and audit log. @returns false, and does nothing, while keys may be on an interface */
export async function eraseTenant(sql: PlatformSql, id: number): Promise<boolean> {
  // A tenant can have a million rows; the role's own limit is for requests that somebody waits for.
  await sql`set local statement_timeout = '5min'`;
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
