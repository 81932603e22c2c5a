import type { ISql } from "postgres";
import type { PeerState } from "../desired.ts";

/** One row of `wg_peers` or of `wg_retired_keys` as the statement below answers it. */
export interface Row {
  retired: boolean;
  tenant_id: number;
  id: string;
  public_key: string;
  preshared_key: Uint8Array | null;
  successor_public_key: string | null;
  successor_preshared_key: Uint8Array | null;
  successor_deadline: number | null;
  address: string | null;
  is_host: boolean | null;
  active: boolean | null;
  expires_at: number | null;
  tombstone: boolean | null;
  generation: string | null;
  /** Milliseconds between the change that made this generation and the reading, by the database's clock. */
  changed_ago: number | null;
  status_generation: string | null;
  state: PeerState | null;
  error: string | null;
  permanent: boolean | null;
}

/** By slice ({@link sliceOf}), a digest of all that the database says of its peers, as text. */
export type Digests = ReadonlyMap<number, string>;

/** Of a slice that has to be read again: what is known of it is not of one moment. */
export const unknownDigest = "";

/** Which of 256 slices a peer's rows belong to: the last byte of its id, which is random in a UUIDv7, too. */
export function sliceOf(peerId: string): number {
  return Number.parseInt(peerId.slice(-2), 16);
}

/** Of each slice of the peers, by the last byte of their ids: another digest says that a row of it changed. */
export async function readDigests(sql: Queries, interfaceId: number): Promise<Digests> {
  // Every column that decides over a peer, so that a change is seen past every trigger, too. What the daemon
  // itself writes (wg_peer_status) it knows already.
  const rows = await sql<{ slice: number; digest: string }[]>`
    select slice, bit_xor(digest)::text as digest from (
      select get_byte(uuid_send(p.id), 15) as slice,
          hash_record_extended(row(p.tenant_id, p.id, p.user_id, p.public_key, p.preshared_key, p.address,
            p.enabled, p.expires_at, p.deleted_at, p.generation, p.kind, p.successor_public_key,
            p.successor_preshared_key, p.successor_deadline, t.status, u.status), 0) as digest
        from wg_peers p
        join tenants t on t.id = p.tenant_id
        left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
        where p.interface_id = ${interfaceId}
      union all
      select get_byte(uuid_send(r.peer_id), 15),
          hash_record_extended(row(r.tenant_id, r.peer_id, r.public_key), 1)
        from wg_retired_keys r
        where r.interface_id = ${interfaceId}
    ) as found group by slice`;
  return new Map(rows.map(({ slice, digest }) => [slice, digest]));
}

/** Keys that somebody decided over: they may go. */
export async function readReleased(sql: Queries, interfaceId: number): Promise<string[]> {
  const rows = await sql<{ public_key: string }[]>`
    select public_key from wg_release_keys where interface_id = ${interfaceId}`;
  return rows.map((row) => row.public_key);
}

/** Peers of this interface: those with these ids, those of these slices, or all. */
export async function readRows(
  sql: Queries,
  interfaceId: number,
  only: { peerIds?: readonly string[]; slices?: ReadonlySet<number> },
): Promise<Row[]> {
  // As an array: of a JSON document PostgreSQL expects 100 elements whatever is in it, and reads the whole table.
  const filter = (id: PostgresColumn) =>
    only.peerIds
      ? sql`and ${sql(id)} = any(${[...only.peerIds]}::uuid[])`
      : only.slices
      ? sql`and get_byte(uuid_send(${sql(id)}), 15) in (
          select jsonb_array_elements_text(${sql.json([...only.slices])}::jsonb)::int)`
      : sql``;
  // One statement, so that a rotated key is never seen gone from its row and not yet retired.
  return await sql<Row[]>`
    select false as retired, p.tenant_id, p.id, p.public_key, p.preshared_key,
        p.successor_public_key, p.successor_preshared_key,
        (extract(epoch from p.successor_deadline) * 1000)::float8 as successor_deadline,
        host(p.address) as address, masklen(p.address) = 32 as is_host,
        p.enabled and p.deleted_at is null and t.status = 'active'
          and (p.user_id is null or coalesce(u.status = 'active', false)) as active,
        (extract(epoch from p.expires_at) * 1000)::float8 as expires_at,
        p.deleted_at is not null as tombstone, p.generation::text as generation,
        (extract(epoch from clock_timestamp() - p.changed_at) * 1000)::float8 as changed_ago,
        s.generation::text as status_generation, s.state, s.error, p.kind = 'permanent' as permanent
      from wg_peers p
      join tenants t on t.id = p.tenant_id
      left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
      left join wg_peer_status s on s.tenant_id = p.tenant_id and s.peer_id = p.id
      where p.interface_id = ${interfaceId} ${filter("p.id")}
    union all
    select true, r.tenant_id, r.peer_id, r.public_key, null, null, null, null, null, null, null, null,
        null, null, null, null, null, null, null
      from wg_retired_keys r
      where r.interface_id = ${interfaceId} ${filter("r.peer_id")}`;
}

type Queries = ISql<Record<never, never>>;
type PostgresColumn = "p.id" | "r.peer_id";
