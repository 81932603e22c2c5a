import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";
import type { Locale } from "../../mail/mod.ts";
import { type GatewayFacts, type GatewayState, gatewayState } from "./policy.ts";

export interface Gateway {
  id: number;
  name: string;
  endpoint: string;
  network: string;
  network6: string | null;
  public_key: string | null;
  state: GatewayState;
  accepts_peers: boolean;
  last_read_back_at: Date | null;
}

interface Row extends Omit<Gateway, "state" | "last_read_back_at"> {
  facts: GatewayFacts;
  last_read_back_at: Date | null;
}

const columns = (sql: TenantSql | PlatformSql) =>
  sql`i.id, i.name, i.endpoint, i.network::text, i.network6::text, i.public_key, i.accepts_peers,
    s.read_back_at as last_read_back_at,
    jsonb_build_object('retired', i.retired_at is not null, 'published', i.public_key is not null,
      'lives', s.interface_id is not null,
      'readBackAge', extract(epoch from clock_timestamp() - s.read_back_at)::float8) as facts`;

function toGateway({ facts, ...row }: Row): Gateway {
  return { ...row, state: gatewayState(facts) };
}

/** Gateways by their number, as they are at this moment. @param which.all those retired, too */
export async function listGateways(
  sql: TenantSql,
  which: { all: boolean; after?: number; limit?: number },
): Promise<Gateway[]> {
  const rows = await sql<Row[]>`
    select ${
    columns(sql)
  } from wg_interfaces i left join wg_gateways_seen() s on s.interface_id = i.id
    where i.id > ${which.after ?? 0} and (${which.all} or i.retired_at is null)
    order by i.id limit ${which.limit ?? null}`;
  return rows.map(toGateway);
}

/** A gateway that peers may be on, and how many more. */
export interface Place extends Gateway {
  free: number;
  /** The tenant's, the same in every row. */
  tenant_default: number | null;
}

/** Those that are not retired. */
export async function listPlaces(sql: TenantSql): Promise<Place[]> {
  const rows = await sql<(Row & { free: number; tenant_default: number | null })[]>`
    select ${columns(sql)}, t.wg_gateway as tenant_default,
      (select count(*)::integer from wg_ip_pool a where a.interface_id = i.id and a.free_from <= now()) as free
    from wg_interfaces i left join wg_gateways_seen() s on s.interface_id = i.id
    left join tenants t on t.id = (select current_tenant_id())
    where i.retired_at is null order by i.id`;
  return rows.map(({ free, tenant_default, ...row }) => ({
    ...toGateway(row),
    free,
    tenant_default,
  }));
}

export async function readGatewayState(
  sql: TenantSql | PlatformSql,
  id: number,
): Promise<Gateway | undefined> {
  const [row] = await sql<Row[]>`
    select ${
    columns(sql)
  } from wg_interfaces i left join wg_gateways_seen() s on s.interface_id = i.id
    where i.id = ${id}`;
  return row && toGateway(row);
}

/** Addresses of a gateway; the pool does not say whose they are. */
export interface AddressCounts {
  id: number;
  size: number;
  used: number;
  free: number;
}

/** Addresses for peers of each gateway. One that is neither used nor free rests since its peer went. */
export async function countAddresses(
  sql: TenantSql,
  ids: readonly number[],
): Promise<AddressCounts[]> {
  return await sql<AddressCounts[]>`
    select a.interface_id as id, count(*)::integer as size,
      count(*) filter (where a.free_from is null)::integer as used,
      count(*) filter (where a.free_from <= now())::integer as free
    from wg_ip_pool a
    where a.interface_id in (select jsonb_array_elements_text(${
    sql.json([...ids])
  }::jsonb)::smallint)
    group by 1`;
}

export interface Announced {
  name: string;
  network: string;
  network6: string | null;
  listenPort: number;
  endpoint: string;
  mtu: number;
}

/** Takes the next number. Its pool is filled by the database; its daemon publishes its key over it. */
export async function insertGateway(sql: PlatformSql, made: Announced): Promise<number> {
  // Two at once would take the same number.
  await sql`select pg_advisory_xact_lock(hashtext('the next gateway'))`;
  const [row] = await sql<{ id: number }[]>`
    insert into wg_interfaces (id, name, network, network6, listen_port, endpoint, mtu)
      select coalesce(max(i.id), 0) + 1, ${made.name}, ${made.network}::cidr, ${made.network6}::cidr,
        ${made.listenPort}, ${made.endpoint}, ${made.mtu} from wg_interfaces i
      returning id`;
  if (!row) throw new Error("an insert answered no row");
  return row.id;
}

/** The caller has seen that it is there. */
export async function setAcceptsPeers(
  sql: PlatformSql,
  id: number,
  accepts: boolean,
): Promise<void> {
  await sql`update wg_interfaces set accepts_peers = ${accepts} where id = ${id}`;
}

/** The database refuses while anybody holds an address of it. */
export async function retireGatewayRow(sql: PlatformSql, id: number): Promise<void> {
  await sql`update wg_interfaces set accepts_peers = false, retired_at = now() where id = ${id}`;
}

/** A tenant's on a gateway, those that are disabled too. */
export async function countPeersOn(sql: TenantSql, id: number): Promise<number> {
  const [row] = await sql<[{ n: number }]>`
    select count(*)::integer as n from wg_peers where interface_id = ${id} and deleted_at is null`;
  return row.n;
}

/** Whom a tenant's matters are told to. */
export async function listAdmins(sql: TenantSql): Promise<{ to: string; locale: Locale }[]> {
  return await sql<{ to: string; locale: Locale }[]>`
    select u.email as to, u.locale from users u
    where u.status = 'active' and exists (
      select from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
      where h.tenant_id = u.tenant_id and h.user_id = u.id and r.name = 'admin'
        and coalesce(h.expires_at > now(), true))
    order by u.id`;
}

/** Whether users were told of this key and moment already: an order that is given again mails nobody twice. */
export async function wasKeyAnnounced(
  sql: TenantSql,
  { id, nextPublicKey, at }: { id: number; nextPublicKey: string; at: string },
): Promise<boolean> {
  const rows = await sql`
    select from audit_log
    where action = 'wireguard.gateway_key_announced' and target_id = ${String(id)}
      and details ->> 'next_public_key' = ${nextPublicKey} and details ->> 'cut_over_at' = ${at}
      -- A superadmin's order is in his own tenant's log, and told nobody.
      and details ? 'mails'
    limit 1`;
  return rows.length > 0;
}
