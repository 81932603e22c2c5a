import type { TenantSql } from "../../database/tenancy.ts";
import type { NewKeys } from "./keys_store.ts";
import type { Decider, PeerRef } from "./scope.ts";

export interface GatewayRow {
  id: number;
  /** Whether there are other gateways that peers can be on. */
  others: boolean;
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
    select i.id, exists (select from wg_interfaces o where o.id <> i.id and o.retired_at is null) as others,
      i.network::text, host(i.gateway) as gateway, host(i.api_address) as api_address,
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
 * @returns false when there are not enough; nothing is taken then
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
  await sql`savepoint before_addresses`;
  // As in `insertPeer`: others' creations under way hold nobody up while there are other addresses.
  for (const lock of [sql`for update skip locked`, sql`for update`]) {
    const result = await sql`
      with free as (
        select interface_id, address from wg_ip_pool
        where interface_id = ${first.interfaceId} and free_from is not null and free_from <= now()
        order by address limit ${peers.length}
        ${lock}
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
    if (result.count === peers.length) return true;
    // Whoever waits holds nothing meanwhile, so that two of these never wait for each other.
    await sql`rollback to savepoint before_addresses`;
  }
  return false;
}

/** Narrows a statement over `wg_peers p` to the peers of one owner, where one is given. */
export function ownedBy(sql: TenantSql, owner: number | null) {
  return sql`and (${owner}::integer is null or p.user_id = ${owner})`;
}

/** Makes a tombstone. @returns false where there is no such peer; true again for one being removed already */
export async function removePeer(sql: TenantSql, ref: PeerRef): Promise<boolean> {
  const result = await sql`
    update wg_peers p set deleted_at = coalesce(deleted_at, now())
    where p.id = ${ref.id} ${ownedBy(sql, ref.owner)}`;
  return result.count > 0;
}

/**
 * Makes tombstones of a user's peers and of those named, which belong to nobody from then on.
 * @returns the ids of those that were still there
 */
export async function removePeersOf(
  sql: TenantSql,
  which: { userId: number; ids: readonly string[] },
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    update wg_peers p set deleted_at = coalesce(deleted_at, now()), user_id = null
    where p.user_id = ${which.userId}
      or p.id in (select jsonb_array_elements_text(${sql.json([...which.ids])}::jsonb)::uuid)
    returning p.id`;
  return rows.map((row) => row.id);
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
  interface_id: number;
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
    select p.interface_id, p.public_key, p.enabled, p.disabled_by, p.expires_at, p.expiry_set_by from wg_peers p
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

/**
 * Takes an address of another gateway, the one that it had there while that rests, else the lowest that is free, and
 * puts the peer there, with new keys. What it leaves behind, the database sees to. The caller has locked the row.
 * @returns its new address, or undefined when no address is free
 */
export async function movePeerRow(
  sql: TenantSql,
  { id, interfaceId, publicKey, presharedKey }: NewKeys & { interfaceId: number },
): Promise<string | undefined> {
  const lowest = sql`
    select interface_id, address from wg_ip_pool
    where interface_id = ${interfaceId} and free_from <= now() order by address limit 1`;
  // Nobody else can take it, and until it was read back without the old key neither can this one.
  const itsOwn = sql`
    select p.interface_id, p.address from wg_ip_pool p join wg_resting_addresses r using (interface_id, address)
    where r.peer_id = ${id} and r.interface_id = ${interfaceId} and r.until > now()
      and p.free_from = r.until and p.free_from < 'infinity' order by p.address limit 1 for update of p`;
  for (const choice of [itsOwn, sql`${lowest} for update skip locked`, sql`${lowest} for update`]) {
    const [taken] = await sql<{ address: string }[]>`
      with lowest as (${choice})
      update wg_ip_pool p set free_from = null from lowest l
        where p.interface_id = l.interface_id and p.address = l.address
        returning host(p.address) as address`;
    if (!taken) continue;
    // A statement of its own: the database looks whether the address is taken.
    await sql`
      update wg_peers set interface_id = ${interfaceId}, address = ${taken.address}::inet,
        public_key = ${publicKey}, preshared_key = ${presharedKey}, successor_public_key = null,
        successor_preshared_key = null, successor_deadline = null
      where id = ${id}`;
    return taken.address;
  }
  return undefined;
}

/** The gateway of a peer; undefined where there is no row of it. */
export async function gatewayOf(sql: TenantSql, id: string): Promise<number | undefined> {
  const [row] = await sql<{ id: number }[]>`
    select interface_id as id from wg_peers where id = ${id}`;
  return row?.id;
}

/** Whether the daemon of another gateway, which lives, has yet to follow for one of these peers. */
export async function waitsElsewhere(
  sql: TenantSql,
  { interfaceId, peerIds }: { interfaceId: number; peerIds: readonly string[] },
): Promise<boolean> {
  const [row] = await sql<{ waits: boolean }[]>`
    with asked as (
      select jsonb_array_elements_text(${sql.json([...peerIds])}::jsonb)::uuid as id
    ), left_to_do as (
      select p.interface_id from wg_peers p join asked a on a.id = p.id
        left join wg_peer_status s on s.tenant_id = p.tenant_id and s.peer_id = p.id
        where p.interface_id <> ${interfaceId}
          and (p.deleted_at is not null or s.generation is distinct from p.generation)
      union all
      select r.interface_id from wg_retired_keys r join asked a on a.id = r.peer_id
        where r.interface_id <> ${interfaceId} and r.address is not null
    )
    select case when exists (select from left_to_do)
      then exists (select from left_to_do join wg_gateways_seen() g using (interface_id))
      else false end as waits`;
  return row?.waits ?? false;
}
