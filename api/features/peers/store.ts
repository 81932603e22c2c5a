import type { TenantSql } from "../../database/tenancy.ts";
import { peerStatus, type StatusFacts } from "./policy.ts";
import type { PeerView } from "./schemas.ts";
import type { Decider, PeerRef } from "./scope.ts";

export interface GatewayRow {
  network: string;
  gateway: string;
  api_address: string;
  /** Null, like the two below it, where the tunnel has no IPv6. */
  network6: string | null;
  gateway6: string | null;
  api_address6: string | null;
  endpoint: string;
  public_key: string | null;
  /** The tenant's defaults for clients; null where it sets none. */
  client_allowed_ips: string[] | null;
  dns: string[] | null;
  mtu: number | null;
  persistent_keepalive: number | null;
}

/** The interface as its daemon published it; undefined before the daemon's first start. */
export async function readGateway(
  sql: TenantSql,
  interfaceId: number,
): Promise<GatewayRow | undefined> {
  const [row] = await sql<GatewayRow[]>`
    select i.network::text, host(i.gateway) as gateway, host(i.api_address) as api_address,
      i.network6::text, host(i.gateway6) as gateway6, host(i.api_address6) as api_address6, i.endpoint, i.public_key, t.wg_client_allowed_ips::text[] as client_allowed_ips,
      case when t.wg_dns is not null then array(select host(d) from unnest(t.wg_dns) d) end as dns, t.wg_mtu as mtu,
      t.wg_persistent_keepalive as persistent_keepalive
    from wg_interfaces i left join tenants t on t.id = (select current_tenant_id())
    where i.id = ${interfaceId}`;
  return row;
}

export interface NewPeer {
  tenantId: number;
  id: string;
  interfaceId: number;
  userId: number | null;
  name: string;
  kind: "permanent" | "enrolment";
  publicKey: string;
  presharedKey: Uint8Array | null;
  expiresAt: Date | null;
  /** Who set that; an admin unless told. */
  expirySetBy?: Decider;
  clientAllowedIps: string[] | null;
  dns: string[] | null;
  mtu: number | null;
  persistentKeepalive: number | null;
  at: Date;
}

/**
 * Takes the lowest free address and inserts the peer, in one statement.
 * @returns its address, or undefined when no address is free
 */
export async function insertPeer(sql: TenantSql, peer: NewPeer): Promise<string | undefined> {
  // First past everybody who is taking an address at this moment; only when that leaves nothing, wait for
  // them, because one of them may yet roll back.
  for (const lock of [sql`for update skip locked`, sql`for update`]) {
    const [row] = await sql<{ address: string }[]>`
      with lowest as (
        select interface_id, address from wg_ip_pool
        where interface_id = ${peer.interfaceId} and free_from is not null and free_from <= now()
        order by address limit 1 ${lock}
      ), taken as (
        update wg_ip_pool p set free_from = null from lowest l
        where p.interface_id = l.interface_id and p.address = l.address
        returning p.address
      )
      insert into wg_peers (
        tenant_id, id, interface_id, user_id, name, kind, public_key, preshared_key, address, expires_at,
        expiry_set_by, client_allowed_ips, dns, mtu, persistent_keepalive, created_at
      )
      select ${peer.tenantId}, ${peer.id}, ${peer.interfaceId}, ${peer.userId}, ${peer.name}, ${peer.kind},
        ${peer.publicKey}, ${peer.presharedKey}, taken.address, ${peer.expiresAt},
        ${peer.expirySetBy ?? "admin"},
        ${networks(sql, peer.clientAllowedIps)},
        ${peer.dns}::text[]::inet[], ${peer.mtu}, ${peer.persistentKeepalive}, ${peer.at}
      from taken
      returning host(address) as address`;
    if (row) return row.address;
  }
  return undefined;
}

/**
 * Takes the lowest free addresses and inserts as many peers, in one statement.
 * @returns false when there are not enough; the caller rolls back what was taken
 */
export async function insertPeers(sql: TenantSql, peers: readonly NewPeer[]): Promise<boolean> {
  const [first] = peers;
  if (!first) return true;
  const rows = peers.map((peer, index) => ({
    n: index + 1,
    tenant_id: peer.tenantId,
    id: peer.id,
    interface_id: peer.interfaceId,
    user_id: peer.userId,
    name: peer.name,
    kind: peer.kind,
    public_key: peer.publicKey,
    preshared_key: peer.presharedKey && `\\x${peer.presharedKey.toHex()}`,
    expires_at: peer.expiresAt?.toISOString() ?? null,
    client_allowed_ips: peer.clientAllowedIps,
    dns: peer.dns,
    mtu: peer.mtu,
    persistent_keepalive: peer.persistentKeepalive,
    created_at: peer.at.toISOString(),
  }));
  const result = await sql`
    with free as (
      select interface_id, address from wg_ip_pool
      where interface_id = ${first.interfaceId} and free_from is not null and free_from <= now()
      order by address limit ${peers.length}
      -- Waits for single creations under way; two of these lock in the same order.
      for update
    ), numbered as (
      select interface_id, address, row_number() over (order by address) as n from free
    ), taken as (
      update wg_ip_pool p set free_from = null from numbered f
      where p.interface_id = f.interface_id and p.address = f.address
      returning p.address, f.n
    )
    insert into wg_peers (
      tenant_id, id, interface_id, user_id, name, kind, public_key, preshared_key, address, expires_at,
      client_allowed_ips, dns, mtu, persistent_keepalive, created_at
    )
    select r.tenant_id, r.id, r.interface_id, r.user_id, r.name, r.kind, r.public_key, r.preshared_key,
      taken.address, r.expires_at,
      (select array_agg(network(n::inet)) from unnest(r.client_allowed_ips) n), r.dns, r.mtu,
      r.persistent_keepalive, r.created_at
    from jsonb_to_recordset(${sql.json(rows)}::jsonb) as r (
      n bigint, tenant_id integer, id uuid, interface_id smallint, user_id integer, name text, kind text,
      public_key text, preshared_key bytea, expires_at timestamptz, client_allowed_ips text[], dns inet[],
      mtu integer, persistent_keepalive integer, created_at timestamptz
    )
    join taken on taken.n = r.n`;
  return result.count === peers.length;
}

interface PeerRow {
  id: string;
  name: string;
  tenant_id: number;
  user_id: number | null;
  kind: "permanent" | "enrolment";
  public_key: string;
  has_preshared_key: boolean;
  address: string;
  address6: string | null;
  enabled: boolean;
  disabled_by: Decider;
  deleted: boolean;
  expires_at: Date | null;
  expiry_set_by: Decider;
  expired: boolean;
  owner_active: boolean;
  generation: string;
  state: "applied" | "removed" | "failed" | "held" | null;
  state_generation: string | null;
  error: string | null;
  changed_at: Date | null;
  last_handshake_at: Date | null;
  client_allowed_ips: string[] | null;
  dns: string[] | null;
  mtu: number | null;
  persistent_keepalive: number | null;
  created_at: Date;
  updated_at: Date;
}

/** What makes a peer's view, for `where` and `order by` to follow. Deleted ones included: they are `revoking`. */
function peerColumns(sql: TenantSql, now: Date) {
  return sql`
    select p.id, p.name, p.tenant_id, p.user_id, p.kind, p.public_key,
      p.preshared_key is not null as has_preshared_key, host(p.address) as address,
      host(wg_address6(p.address, i.network, i.network6)) as address6, p.enabled,
      p.disabled_by, p.expiry_set_by, p.deleted_at is not null as deleted, p.expires_at,
      coalesce(p.expires_at <= ${now}, false) as expired,
      t.status = 'active' and coalesce(u.status = 'active', true) as owner_active,
      p.generation::text, s.state, s.generation::text as state_generation, s.error, s.changed_at,
      f.last_handshake_at, p.client_allowed_ips::text[], case when p.dns is not null then array(select host(d) from unnest(p.dns) d) end as dns,
      p.mtu, p.persistent_keepalive, p.created_at, p.updated_at
    from wg_peers p
    join tenants t on t.id = p.tenant_id
    join wg_interfaces i on i.id = p.interface_id
    left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
    left join wg_peer_status s on s.tenant_id = p.tenant_id and s.peer_id = p.id
    left join wg_peer_traffic f on f.tenant_id = p.tenant_id and f.peer_id = p.id`;
}

export async function readPeer(
  sql: TenantSql,
  ref: PeerRef,
  now: Date,
): Promise<PeerView | undefined> {
  const [row] = await sql<PeerRow[]>`
    ${peerColumns(sql, now)} where p.id = ${ref.id} ${ownedBy(sql, ref.owner)}`;
  return row && viewPeer(row);
}

/** Narrows a statement over `wg_peers p` to the peers of one owner, where one is given. */
function ownedBy(sql: TenantSql, owner: number | null) {
  return sql`and (${owner}::integer is null or p.user_id = ${owner})`;
}

/** Oldest first; ids are UUIDv7, so their order is the order of creation. */
export async function listPeers(
  sql: TenantSql,
  page: { after: string | null; owner: number | null; limit: number; now: Date },
): Promise<PeerView[]> {
  const rows = await sql<PeerRow[]>`
    ${peerColumns(sql, page.now)}
    where (${page.after}::uuid is null or p.id > ${page.after})
      ${ownedBy(sql, page.owner)}
    order by p.id limit ${page.limit}`;
  return rows.map(viewPeer);
}

export async function listPeersById(
  sql: TenantSql,
  ids: readonly string[],
  now: Date,
): Promise<PeerView[]> {
  const rows = await sql<PeerRow[]>`
    ${peerColumns(sql, now)} where p.id in (select jsonb_array_elements_text(${
    sql.json([...ids])
  }::jsonb)::uuid)`;
  return rows.map(viewPeer);
}

function viewPeer(row: PeerRow): PeerView {
  const facts: StatusFacts = {
    enabled: row.enabled,
    deleted: row.deleted,
    expired: row.expired,
    ownerActive: row.owner_active,
    generation: BigInt(row.generation),
    observed: row.state === null || row.state_generation === null
      ? null
      : { state: row.state, generation: BigInt(row.state_generation) },
  };
  const status = peerStatus(facts);
  return {
    id: row.id,
    name: row.name,
    tenant_id: row.tenant_id,
    user_id: row.user_id,
    kind: row.kind,
    public_key: row.public_key,
    has_preshared_key: row.has_preshared_key,
    address: row.address,
    ...(row.address6 === null ? {} : { address6: row.address6 }),
    status,
    status_reason: status === "active" ? null : row.error,
    enabled: row.enabled,
    disabled_by: row.enabled ? null : row.disabled_by,
    expires_at: row.expires_at?.toISOString() ?? null,
    expiry_set_by: row.expires_at && row.expiry_set_by,
    applied_at: status === "active" ? row.changed_at?.toISOString() ?? null : null,
    last_handshake_at: row.last_handshake_at?.toISOString() ?? null,
    client_allowed_ips: row.client_allowed_ips,
    dns: row.dns,
    mtu: row.mtu,
    persistent_keepalive: row.persistent_keepalive,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** Makes a tombstone. @returns false where there is no such peer; true again for one being removed already */
export async function removePeer(sql: TenantSql, ref: PeerRef): Promise<boolean> {
  const result = await sql`
    update wg_peers p set deleted_at = coalesce(deleted_at, now())
    where p.id = ${ref.id} ${ownedBy(sql, ref.owner)}`;
  return result.count > 0;
}

/** @returns false where there is no such peer; an admin's decision stays one, whoever repeats it */
export async function disablePeerRow(
  sql: TenantSql,
  ref: PeerRef,
  by: Decider,
): Promise<boolean> {
  const result = await sql`
    update wg_peers p set enabled = false,
      disabled_by = case when enabled or ${by} = 'admin' then ${by} else disabled_by end
    where p.id = ${ref.id} and p.deleted_at is null ${ownedBy(sql, ref.owner)}`;
  return result.count > 0;
}

/** The caller has locked the row, and may. */
export async function enablePeerRow(sql: TenantSql, id: string): Promise<void> {
  await sql`update wg_peers set enabled = true where id = ${id}`;
}

export interface LockedPeer {
  public_key: string;
  enabled: boolean;
  /** Of the last time it was disabled. */
  disabled_by: Decider;
  expires_at: Date | null;
  /** Of the last time an expiry was set. */
  expiry_set_by: Decider;
}

/** Locks a peer that is not being removed, for the rest of the transaction. */
export async function lockPeer(
  sql: TenantSql,
  ref: PeerRef,
): Promise<LockedPeer | undefined> {
  const [row] = await sql<LockedPeer[]>`
    select p.public_key, p.enabled, p.disabled_by, p.expires_at, p.expiry_set_by from wg_peers p
    where p.id = ${ref.id} and p.deleted_at is null ${ownedBy(sql, ref.owner)} for update`;
  return row;
}

/** Writes all fields a client may change; the caller has locked the row. */
export async function updatePeerRow(
  sql: TenantSql,
  id: string,
  peer: {
    name: string;
    user_id: number | null;
    client_allowed_ips: string[] | null;
    dns: string[] | null;
    mtu: number | null;
    persistent_keepalive: number | null;
    expires_at: Date | null;
    expiry_set_by: Decider;
  },
): Promise<void> {
  await sql`
    update wg_peers set name = ${peer.name}, user_id = ${peer.user_id},
      client_allowed_ips = ${networks(sql, peer.client_allowed_ips)},
      dns = ${peer.dns}::text[]::inet[], mtu = ${peer.mtu},
      persistent_keepalive = ${peer.persistent_keepalive}, expires_at = ${peer.expires_at},
      expiry_set_by = ${peer.expiry_set_by}
    where id = ${id}`;
}

/** Networks without host bits, which wg(8) drops as well. */
function networks(sql: TenantSql, texts: string[] | null) {
  return sql`(select array_agg(network(n::inet)) from unnest(${texts}::text[]) n)`;
}

export async function replaceKeys(
  sql: TenantSql,
  keys: { id: string; publicKey: string; presharedKey: Uint8Array | null },
): Promise<void> {
  await sql`
    update wg_peers set public_key = ${keys.publicKey}, preshared_key = ${keys.presharedKey}
    where id = ${keys.id}`;
}

export interface PeerCounts {
  desired: number;
  applied: number;
  pending: number;
  revoking: number;
  total: number;
}

export async function countPeers(sql: TenantSql, now: Date): Promise<PeerCounts> {
  const rows = await sql<PeerRow[]>`${peerColumns(sql, now)}`;
  const counts = { desired: 0, applied: 0, pending: 0, revoking: 0, total: rows.length };
  for (const { status } of rows.map(viewPeer)) {
    if (status === "active" || status === "pending") counts.desired++;
    if (status === "active") counts.applied++;
    if (status === "pending") counts.pending++;
    if (status === "revoking") counts.revoking++;
  }
  return counts;
}
