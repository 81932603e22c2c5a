import type { Tenancy, TenantId, TenantSql } from "../../database/tenancy.ts";
import { onlineMs } from "../../../lib/online.ts";
import { type PeerStatus, peerStatus, type StatusFacts } from "./policy.ts";
import type { PeerView, ReadPeerView } from "./schemas.ts";
import type { Decider, PeerRef } from "./scope.ts";
import { ownedBy } from "./store.ts";

interface PeerRow {
  id: string;
  name: string;
  tenant_id: number;
  user_id: number | null;
  kind: "permanent" | "enrolment";
  public_key: string;
  has_preshared_key: boolean;
  successor_public_key: string | null;
  successor_deadline: Date | null;
  gateway_id: number;
  moved_from: { gateway_id: number; address: string } | null;
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
  online: boolean;
  endpoint: string | null;
  client_allowed_ips: string[] | null;
  dns: string[] | null;
  mtu: number | null;
  persistent_keepalive: number | null;
  created_at: Date;
  updated_at: Date;
}

/** What decides over a peer, and what the daemon saw of it. */
function peerTables(sql: TenantSql) {
  return sql`
    from wg_peers p
    join tenants t on t.id = p.tenant_id
    join wg_interfaces i on i.id = p.interface_id
    left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
    left join wg_peer_status s on s.tenant_id = p.tenant_id and s.peer_id = p.id
    left join wg_peer_traffic f on f.tenant_id = p.tenant_id and f.peer_id = p.id`;
}

const isExpired = (sql: TenantSql, now: Date) => sql`coalesce(p.expires_at <= ${now}, false)`;
const isOwnerActive = (sql: TenantSql) =>
  sql`(t.status = 'active' and coalesce(u.status = 'active', true))`;

/** The same as `peerStatus` of policy.ts, for counting and filtering; a test compares the two. */
function statusOf(sql: TenantSql, now: Date) {
  return sql`case
    when p.deleted_at is not null then 'revoking'
    when p.enabled and not ${isExpired(sql, now)} and ${isOwnerActive(sql)} then
      case when s.generation = p.generation and s.state = 'applied' then 'active' else 'pending' end
    when s.generation = p.generation and s.state = 'removed' then
      case when p.enabled and ${isExpired(sql, now)} then 'expired' else 'disabled' end
    else 'revoking' end`;
}

/** Of `wg_peer_traffic f`. The daemon writes handshakes early enough that one who goes on is never called offline. */
export function isOnline(sql: TenantSql, now: Date) {
  return sql`coalesce(
    f.online_since is not null and f.last_handshake_at > ${new Date(
    now.getTime() - onlineMs,
  )}, false)`;
}

/** What makes a peer's view, for `where` and `order by` to follow. Deleted ones included: they are `revoking`. */
function peerColumns(sql: TenantSql, now: Date) {
  return sql`
    select p.id, p.name, p.tenant_id, p.user_id, p.kind, p.public_key,
      p.preshared_key is not null as has_preshared_key, p.successor_public_key, p.successor_deadline,
      p.interface_id as gateway_id, host(p.address) as address,
      (select jsonb_build_object('gateway_id', r.interface_id, 'address', host(r.address))
        from wg_retired_keys r where r.tenant_id = p.tenant_id and r.peer_id = p.id and r.address is not null
        order by r.retired_at limit 1) as moved_from,
      host(wg_address6(p.address, i.network, i.network6)) as address6, p.enabled,
      p.disabled_by, p.expiry_set_by, p.deleted_at is not null as deleted, p.expires_at,
      ${isExpired(sql, now)} as expired, ${isOwnerActive(sql)} as owner_active,
      p.generation::text, s.state, s.generation::text as state_generation, s.error, s.changed_at,
      f.last_handshake_at, ${
    isOnline(sql, now)
  } as online, f.endpoint, p.client_allowed_ips::text[],
      case when p.dns is not null then array(select host(d) from unnest(p.dns) d) end as dns,
      p.mtu, p.persistent_keepalive, p.created_at, p.updated_at
    ${peerTables(sql)}`;
}

/** For answers to whoever changed it. */
export async function readPeer(
  sql: TenantSql,
  ref: PeerRef,
  now: Date,
): Promise<PeerView | undefined> {
  const row = await readRow(sql, ref, now);
  return row && viewPeer(row);
}

/** For its owner and who may read peers. */
export async function readPeerWithEndpoint(
  sql: TenantSql,
  ref: PeerRef,
  now: Date,
): Promise<ReadPeerView | undefined> {
  const row = await readRow(sql, ref, now);
  return row && { ...viewPeer(row), endpoint: row.endpoint };
}

/** In one message to the server, where nothing else is asked: what became of a peer that was changed. */
export async function readPeerAlone(
  tenancy: Pick<Tenancy, "query">,
  tenant: TenantId,
  { now, ...ref }: PeerRef & { now: Date },
): Promise<PeerView | undefined> {
  const [row] = await tenancy.query(tenant, (sql) => selectRow(sql, ref, now));
  return row && viewPeer(row);
}

async function readRow(sql: TenantSql, ref: PeerRef, now: Date): Promise<PeerRow | undefined> {
  const [row] = await selectRow(sql, ref, now);
  return row;
}

function selectRow(sql: TenantSql, ref: PeerRef, now: Date) {
  return sql<PeerRow[]>`
    ${peerColumns(sql, now)} where p.id = ${ref.id} ${ownedBy(sql, ref.owner)}`;
}

export const peerOrders = ["created_at", "-created_at", "name", "-name"] as const;
export type PeerOrder = typeof peerOrders[number];

/** The peer that a page begins after; its name, where that is the order. */
export interface PagePlace {
  id: string;
  name: string;
}

/** Null is no filter. */
export interface PeerFilters {
  owner: number | null;
  online: boolean | null;
  status: PeerStatus | null;
  kind: "permanent" | "enrolment" | null;
  /** Part of the name, in any case. */
  text: string | null;
}

export interface PeerPage {
  filters: PeerFilters;
  order: PeerOrder;
  after: PagePlace | null;
  limit: number;
  now: Date;
}

/** Ids are UUIDv7, so their order is the order of creation; it also decides between equal names. */
export async function listPeers(
  sql: TenantSql,
  { filters, order, after, limit, now }: PeerPage,
): Promise<ReadPeerView[]> {
  const { online, status, kind, text } = filters;
  const byName = order.endsWith("name");
  const down = order.startsWith("-");
  // Bytes, so that the order is that of the comparison on every server.
  const key = byName ? sql`(p.name collate "C", p.id)` : sql`(p.id)`;
  const place = byName
    ? sql`(${after?.name ?? ""}, ${after?.id ?? null}::uuid)`
    : sql`(${after?.id ?? null}::uuid)`;
  const rows = await sql<PeerRow[]>`
    ${peerColumns(sql, now)}
    where (${after === null} or ${down ? sql`${key} < ${place}` : sql`${key} > ${place}`})
      ${ownedBy(sql, filters.owner)}
      and (${kind}::text is null or p.kind = ${kind})
      and (${text}::text is null or strpos(
        lower(p.name collate "unicode"), lower(${text} collate "unicode")) > 0)
      and (${online}::boolean is null or ${isOnline(sql, now)} = ${online})
      and (${status}::text is null or ${statusOf(sql, now)} = ${status})
    order by ${byName ? sql`p.name collate "C"` : sql`p.id`} ${down ? sql`desc` : sql`asc`},
      p.id ${down ? sql`desc` : sql`asc`}
    limit ${limit}`;
  return rows.map((row) => ({ ...viewPeer(row), endpoint: row.endpoint }));
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
    rotation: row.successor_public_key === null || !row.successor_deadline ? null : {
      successor_public_key: row.successor_public_key,
      deadline: row.successor_deadline.toISOString(),
    },
    gateway_id: row.gateway_id,
    moved_from: row.moved_from,
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
    online: row.online,
    client_allowed_ips: row.client_allowed_ips,
    dns: row.dns,
    mtu: row.mtu,
    persistent_keepalive: row.persistent_keepalive,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

export interface PeerCounts {
  desired: number;
  applied: number;
  pending: number;
  revoking: number;
  total: number;
}

/**
 * A tenant can have ten thousand: they are counted where they are.
 * @param ids these alone; all where there are none
 */
export async function countPeers(
  sql: TenantSql,
  now: Date,
  which: { ids?: readonly string[] | undefined; gateway?: number | undefined } = {},
): Promise<PeerCounts> {
  const { ids, gateway } = which;
  const among = ids
    ? sql`where p.id in (select jsonb_array_elements_text(${sql.json([...ids])}::jsonb)::uuid)`
    : gateway === undefined
    ? sql``
    : sql`where p.interface_id = ${gateway}`;
  const rows = await sql<{ status: PeerStatus; n: number }[]>`
    select ${statusOf(sql, now)} as status, count(*)::integer as n ${
    peerTables(sql)
  } ${among} group by 1`;
  const of = new Map(rows.map(({ status, n }) => [status, n]));
  const count = (status: PeerStatus) => of.get(status) ?? 0;
  return {
    desired: count("active") + count("pending"),
    applied: count("active"),
    pending: count("pending"),
    revoking: count("revoking"),
    total: rows.reduce((sum, { n }) => sum + n, 0),
  };
}
