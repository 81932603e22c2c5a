import type { Sql } from "../../db/connection.ts";
import { type Account, emptyAccount } from "./account.ts";
import type { ClaimedAccount, Entry, StoredAccount } from "./ledger.ts";

interface Row {
  tenant_id: number;
  peer_id: string;
  public_key: string | null;
  key_received: number;
  key_sent: number;
  received: number;
  sent: number;
  endpoint: string | null;
  handshake: number;
  online_since: number | null;
  events: number;
}

/** Columns of a row, those about a key only where this gateway wrote them: elsewhere it began from nothing. */
const columns = (sql: Sql, interfaceId: number) =>
  sql`
    t.tenant_id, t.peer_id, t.key_received_bytes::float8 as key_received,
    t.key_sent_bytes::float8 as key_sent, t.received_bytes::float8 as received,
    t.sent_bytes::float8 as sent, t.endpoint,
    case when coalesce(t.interface_id, ${interfaceId}) = ${interfaceId} then t.public_key end as public_key,
    coalesce(floor(extract(epoch from t.last_handshake_at)), 0)::float8 as handshake,
    (extract(epoch from t.online_since) * 1000)::float8 as online_since, t.events::float8 as events`;

/** What is recorded of the peers of an interface. */
export async function readTraffic(sql: Sql, interfaceId: number): Promise<StoredAccount[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql, interfaceId)}
      from wg_peer_traffic t join wg_peers p on p.tenant_id = t.tenant_id and p.id = t.peer_id
      where p.interface_id = ${interfaceId}`;
  return rows.map(toStored);
}

function toStored(row: Row): StoredAccount {
  return {
    tenantId: row.tenant_id,
    peerId: row.peer_id,
    account: {
      ...emptyAccount,
      publicKey: row.public_key,
      keyReceived: row.public_key === null ? 0 : row.key_received,
      keySent: row.public_key === null ? 0 : row.key_sent,
      received: row.received,
      sent: row.sent,
      endpoint: row.endpoint,
      notedEndpoint: row.endpoint,
      handshake: row.handshake,
      onlineSince: row.online_since,
      events: row.events,
    },
  };
}

/**
 * Makes rows for peers of this gateway that have none, and takes over those that another gateway's daemon counted.
 * @returns what is recorded of all that this gateway counts now
 */
export async function claimTraffic(
  sql: Sql,
  interfaceId: number,
  peers: readonly Pick<Entry, "tenantId" | "peerId">[],
): Promise<ClaimedAccount[]> {
  if (peers.length === 0) return [];
  const asked = sql`
    jsonb_to_recordset(${
    sql.json(peers.map(({ tenantId, peerId }) => ({ tenantId, peerId })))
  }::jsonb) as new ("tenantId" integer, "peerId" uuid)
      join wg_peers p on p.tenant_id = new."tenantId" and p.id = new."peerId"
        and p.interface_id = ${interfaceId} and p.deleted_at is null`;
  // In a statement of its own: it waits for a removal of the peer that is under way, and holds nothing then that
  // the removal could wait for.
  await sql`
    insert into wg_peer_traffic (tenant_id, peer_id, interface_id)
      select p.tenant_id, p.id, ${interfaceId} from ${asked}
      on conflict do nothing`;
  const claimed = await sql<{ peer_id: string }[]>`
    with moved as (
      select t.tenant_id, t.peer_id from ${asked}
        join wg_peer_traffic t on t.tenant_id = p.tenant_id and t.peer_id = p.id
        where t.interface_id is distinct from ${interfaceId}
        for update of t skip locked
    )
    update wg_peer_traffic t set interface_id = ${interfaceId}, public_key = null, key_received_bytes = 0,
        key_sent_bytes = 0
      from moved m where t.tenant_id = m.tenant_id and t.peer_id = m.peer_id
      returning t.peer_id`;
  const ids = new Set(claimed.map((row) => row.peer_id));
  const rows = await sql<Row[]>`
    select ${columns(sql, interfaceId)} from ${asked}
      join wg_peer_traffic t on t.tenant_id = p.tenant_id and t.peer_id = p.id
      where t.interface_id = ${interfaceId}`;
  return rows.map((row) => ({ ...toStored(row), isNew: ids.has(row.peer_id) }));
}

/**
 * Writes accounts and their events; all are absolute, so that writing them twice is writing them once. What another
 * gateway counts by now is left out.
 * @returns ids of the peers that have a row
 */
export async function writeTraffic(
  sql: Sql,
  interfaceId: number,
  entries: readonly Entry[],
): Promise<Set<string>> {
  const rows = entries.map(({ tenantId, peerId, account }) => toRow(tenantId, peerId, account));
  const events = entries.flatMap(({ tenantId, peerId, events }) =>
    events.map((event) => ({ tenantId, peerId, ...event }))
  );
  const written = await sql<{ peer_id: string }[]>`
    with seen as (
      select * from jsonb_to_recordset(${sql.json(rows)}::jsonb)
        as row ("tenantId" integer, "peerId" uuid, "publicKey" text, "keyReceived" bigint, "keySent" bigint,
          received bigint, sent bigint, endpoint text, handshake float8, "onlineSince" float8, events bigint)
    ), mine as (
      -- Never waits while it holds a row: one that is locked is going with its peer.
      select t.tenant_id, t.peer_id from wg_peer_traffic t
        join seen s on t.tenant_id = s."tenantId" and t.peer_id = s."peerId"
        where coalesce(t.interface_id, ${interfaceId}) = ${interfaceId}
        for update of t skip locked
    ), written as (
      update wg_peer_traffic t set
          -- A database that is ahead of this daemon was written by another one; it stays ahead.
          received_bytes = greatest(t.received_bytes, s.received),
          sent_bytes = greatest(t.sent_bytes, s.sent), public_key = s."publicKey",
          key_received_bytes = s."keyReceived", key_sent_bytes = s."keySent", endpoint = s.endpoint,
          last_handshake_at = to_timestamp(nullif(s.handshake, 0)),
          online_since = to_timestamp(s."onlineSince" / 1000),
          events = greatest(t.events, s.events), seen_at = now()
        from seen s join mine m on m.tenant_id = s."tenantId" and m.peer_id = s."peerId"
        where t.tenant_id = s."tenantId" and t.peer_id = s."peerId"
        returning t.tenant_id, t.peer_id
    ), noted as (
      insert into wg_peer_events (tenant_id, peer_id, n, kind, at, endpoint)
        select w.tenant_id, w.peer_id, e.n, e.kind, to_timestamp(e.at / 1000), e.endpoint
          from jsonb_to_recordset(${sql.json(events)}::jsonb)
            as e ("tenantId" integer, "peerId" uuid, n bigint, kind text, at float8, endpoint text)
          join written w on w.tenant_id = e."tenantId" and w.peer_id = e."peerId"
        on conflict do nothing
    )
    select peer_id from written`;
  return new Set(written.map((row) => row.peer_id));
}

function toRow(tenantId: number, peerId: string, account: Account) {
  const { publicKey, keyReceived, keySent, received, sent } = account;
  const { endpoint, handshake, onlineSince, events } = account;
  return {
    ...{ tenantId, peerId, publicKey, keyReceived, keySent, received, sent },
    ...{ endpoint, handshake, onlineSince, events },
  };
}

/** Events of one peer that are kept; the policy of the table allows no fewer. */
const eventsKept = 1000;
/** Deleted in one statement, so that no statement takes long. */
const trimAtOnce = 5000;

/**
 * Deletes events beyond the retention of `wg_peer_events`.
 * @returns whether there may be more of them
 */
export async function trimEvents(sql: Sql): Promise<boolean> {
  const old = await sql`
    delete from wg_peer_events where (tenant_id, peer_id, n) in (
      select tenant_id, peer_id, n from wg_peer_events where at < now() - interval '30 days'
        order by at limit ${trimAtOnce})`;
  const many = await sql`
    delete from wg_peer_events where (tenant_id, peer_id, n) in (
      select e.tenant_id, e.peer_id, e.n from wg_peer_traffic t
        join wg_peer_events e on e.tenant_id = t.tenant_id and e.peer_id = t.peer_id
          and e.n <= t.events - ${eventsKept}
        where t.events > ${eventsKept} limit ${trimAtOnce})`;
  return Math.max(old.count, many.count) >= trimAtOnce;
}
