import type { TenantSql } from "../../database/tenancy.ts";

/** Of these public keys, those that peers of this tenant have or are about to have, with the peer. */
export async function ownKeys(
  sql: TenantSql,
  interfaceId: number,
  publicKeys: readonly string[],
): Promise<Map<string, { id: string; address: string }>> {
  const rows = await sql<{ public_key: string; id: string; address: string }[]>`
    select k.public_key, p.id, host(p.address) as address
    from wg_keys k join wg_peers p on p.tenant_id = k.tenant_id and p.id = k.peer_id
    where k.interface_id = ${interfaceId} and p.deleted_at is null and k.public_key in (
      select jsonb_array_elements_text(${sql.json([...publicKeys])}::jsonb))`;
  return new Map(rows.map(({ public_key, ...peer }) => [public_key, peer]));
}

/** Locks those of the addresses that are free, until the transaction ends. */
export async function lockFree(
  sql: TenantSql,
  interfaceId: number,
  addresses: readonly string[],
): Promise<Set<string>> {
  // In one order, so that two imports wait for each other instead of for ever.
  const rows = await sql<{ address: string }[]>`
    select host(p.address) as address from wg_ip_pool p
    where interface_id = ${interfaceId} and address in (
        select jsonb_array_elements_text(${sql.json([...addresses])}::jsonb)::inet)
      and free_from is not null and free_from <= now()
    order by p.address for update`;
  return new Set(rows.map((row) => row.address));
}

/**
 * Locks so many of the lowest free addresses, those excepted; fewer where there are not as many. Past everybody
 * who is taking one at this moment, because waiting with addresses in hand is how two wait for ever.
 */
export async function lockLowest(
  sql: TenantSql,
  interfaceId: number,
  { count, except }: { count: number; except: ReadonlySet<string> },
): Promise<string[]> {
  const rows = await sql<{ address: string }[]>`
    select host(p.address) as address from wg_ip_pool p
    where interface_id = ${interfaceId} and free_from is not null and free_from <= now()
      and address not in (
        select jsonb_array_elements_text(${sql.json([...except])}::jsonb)::inet)
    order by p.address limit ${count} for update skip locked`;
  return rows.map((row) => row.address);
}

export interface ImportRow {
  tenant_id: number;
  id: string;
  interface_id: number;
  name: string;
  public_key: string;
  preshared_key: Uint8Array | null;
  address: string;
  created_at: Date;
}

/**
 * Inserts peers at addresses that the caller has locked.
 * @returns the ids of those that went in; a key that somebody else has is left out, whoever that is
 */
export async function insertAt(sql: TenantSql, peers: readonly ImportRow[]): Promise<Set<string>> {
  const rows = peers.map((peer) => ({
    ...peer,
    preshared_key: peer.preshared_key && `\\x${peer.preshared_key.toHex()}`,
    created_at: peer.created_at.toISOString(),
  }));
  const inserted = await sql<{ id: string }[]>`
    with made as (
      insert into wg_peers (
        tenant_id, id, interface_id, name, public_key, preshared_key, address, created_at
      )
      select r.tenant_id, r.id, r.interface_id, r.name, r.public_key, r.preshared_key, r.address, r.created_at
      from jsonb_to_recordset(${sql.json(rows)}::jsonb) as r (
        tenant_id integer, id uuid, interface_id smallint, name text, public_key text, preshared_key bytea,
        address inet, created_at timestamptz
      )
      on conflict do nothing
      returning id, interface_id, address
    ), taken as (
      update wg_ip_pool p set free_from = null from made m
      where p.interface_id = m.interface_id and p.address = m.address
    )
    select id from made`;
  return new Set(inserted.map((row) => row.id));
}

export interface ExportRow {
  id: string;
  name: string;
  public_key: string;
  preshared_key: Uint8Array | null;
  address: string;
  address6: string | null;
  /** Whether the interface is to have it now. */
  wanted: boolean;
}

/** The tenant's peers by address; those being removed are none any more. */
export async function readExport(
  sql: TenantSql,
  interfaceId: number,
  now: Date,
): Promise<ExportRow[]> {
  return await sql<ExportRow[]>`
    select p.id, p.name, p.public_key, p.preshared_key, host(p.address) as address,
      host(wg_address6(p.address, i.network, i.network6)) as address6, p.enabled and not coalesce(p.expires_at <= ${now}, false) and t.status = 'active'
        and coalesce(u.status = 'active', true) as wanted
    from wg_peers p
    join wg_interfaces i on i.id = p.interface_id
    join tenants t on t.id = p.tenant_id
    left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
    where p.interface_id = ${interfaceId} and p.deleted_at is null order by p.address`;
}

export interface ExportedInterface {
  name: string;
  addresses: string[];
  listen_port: number;
  mtu: number;
  public_key: string | null;
}

export async function readInterface(
  sql: TenantSql,
  interfaceId: number,
): Promise<ExportedInterface | undefined> {
  const [row] = await sql<ExportedInterface[]>`
    select name, array_remove(array[host(gateway) || '/' || masklen(network),
        host(gateway6) || '/' || masklen(network6)], null) as addresses, listen_port, mtu, public_key
    from wg_interfaces where id = ${interfaceId}`;
  return row;
}
