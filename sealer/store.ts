import type { TransactionSql } from "postgres";
import type { Sql } from "../db/connection.ts";
import type { SealedEntry } from "../lib/audit/chain.ts";
import type { EntryRow } from "../lib/audit/entry.ts";
import {
  chainLinks,
  entryColumns,
  entryFields,
  isSealed,
  selectLinks,
  type Tag,
  time,
} from "../lib/audit/store.ts";
import { type Leaf, type Receipt, receiptSchema } from "../lib/audit/checkpoint.ts";

/** The end of a chain. */
export interface Head {
  tenant_id: number;
  seq: number;
  hash: string;
  sealed_at: string;
}

export interface NewSeal extends Omit<SealedEntry, "entry"> {
  tenant_id: number;
}

/** What the sealer sees at the beginning of its transaction. */
export interface View {
  pid: number;
  now: string;
  snapshot: string;
  /** What was sealed last; null before the first time. */
  before: string | null;
  /** The transactions of `before` are those of another cluster: the database was restored into this one. */
  restored: boolean;
}

/** What this transaction sees, and what the last sealed one saw: between the two lies what is to be sealed. */
export async function readView(sql: TransactionSql): Promise<View> {
  const [view] = await sql<[View]>`
    select pg_backend_pid() as pid, ${time(sql, sql`clock_timestamp()`)} as now,
      pg_current_snapshot()::text as snapshot, s.snapshot::text as before,
      coalesce(pg_snapshot_xmax(s.snapshot) > pg_snapshot_xmax(pg_current_snapshot()), false) as restored
    from (select) one left join audit_sealer s on true`;
  return view;
}

/** A place in the order in which everything is looked at. */
export interface Position {
  xact: string;
  tenant_id: number;
  id: string;
}

/** Bytes of details that are read at a time, whatever the length of an entry: they are held in memory as they come. */
const partBytes = 4 * 1024 * 1024;

/**
 * The next entries after a position, at most `limit` and of no more bytes than `partBytes`: how many they were, those
 * of them that have no seal, and the position behind them; undefined where that was the last part.
 *
 * @param from.before only what that snapshot does not see; null for everything there ever was
 */
export async function readPart(
  sql: TransactionSql,
  from: { before: string | null; snapshot: string; after?: Position | undefined; limit: number },
): Promise<{ read: number; rows: EntryRow[]; end: Position | undefined }> {
  const { snapshot, limit, after } = from;
  const before = sql`${from.before}::text::pg_snapshot`;
  // One lower bound: of two, PostgreSQL takes the weaker one to find its place in the index.
  const behind = after
    ? sql`(xact, tenant_id, id) > (${after.xact}::text::xid8, ${after.tenant_id}, ${after.id}::text::bigint)`
    : from.before === null
    ? sql`true`
    : sql`xact >= pg_snapshot_xmin(${before})`;
  // The upper bound leaves out what was restored from a cluster that had counted further.
  const isNew = from.before === null ? sql`true` : sql`not pg_visible_in_snapshot(xact, ${before})
    and xact < pg_snapshot_xmax(${snapshot}::text::pg_snapshot)`;
  const order = sql`order by l.xact, l.tenant_id, l.id`;
  const rows = await sql<(EntryRow & { xact: string; sealed: boolean; followed: boolean })[]>`
    select ${entryColumns(sql)}, l.xact::text as xact, ${isSealed(sql)} as sealed, l.followed
    from (
      select l.*, sum(octet_length(l.details)) over w as up_to, lead(l.id) over w is not null as followed
      from (select ${entryFields(sql)}, l.xact from audit_log l
        where ${behind} and ${isNew} ${order} limit ${limit}) l
      window w as (${order} rows unbounded preceding)) l
    where l.up_to <= greatest(${partBytes}::integer, octet_length(l.details)) ${order}`;
  const last = rows.at(-1);
  return {
    read: rows.length,
    rows: rows.filter((row) => !row.sealed),
    end: last?.followed || rows.length === limit ? last : undefined,
  };
}

/** As many are counted: more is no other trouble, and counting it would be one. */
const mostCounted = 100_000;

/** How many entries that are there wait for a seal, or `mostCounted`. */
export async function countUnsealed(sql: TransactionSql): Promise<number> {
  const { before, restored } = await readView(sql);
  const snapshot = sql`${before}::text::pg_snapshot`;
  const isNew = before === null || restored
    ? sql`true`
    : sql`xact >= pg_snapshot_xmin(${snapshot}) and not pg_visible_in_snapshot(xact, ${snapshot})`;
  const [{ n }] = await sql<[{ n: number }]>`
    select count(*)::integer as n
    from (select from audit_log l where ${isNew} and not ${
    isSealed(sql)
  } limit ${mostCounted}) waiting`;
  return n;
}

/** The last link of each chain. @param tenants all of them where it is left out */
export async function readHeads(
  sql: Tag,
  tenants?: readonly number[],
): Promise<Map<number, Head>> {
  const rows = await sql<(Omit<Head, "seq"> & { seq: string })[]>`
    select tenant_id, seq, encode(hash, 'hex') as hash, ${time(sql, sql`sealed_at`)} as sealed_at
    from audit_chains ${tenants ? sql`where tenant_id = any(${[...tenants]}::integer[])` : sql``}`;
  return new Map(rows.map((row) => [row.tenant_id, { ...row, seq: Number(row.seq) }]));
}

/**
 * Adds links and moves the ends of their chains. Under repeatable read, an end that somebody else moved
 * since the transaction began is an error, so that no chain ever forks.
 */
export async function writeSeals(
  sql: TransactionSql,
  { seals, heads }: { seals: readonly NewSeal[]; heads: readonly Head[] },
): Promise<void> {
  await sql`
    insert into audit_seals (tenant_id, seq, entry_id, entry_at, entry_hash, sealed_at, hash)
      select tenant_id, seq, entry_id, entry_at, decode(entry_hash, 'hex'), sealed_at, decode(hash, 'hex')
      from jsonb_to_recordset(${sql.json(seals.map((seal) => ({ ...seal })))}::jsonb) as s
        (tenant_id integer, seq bigint, entry_id bigint, entry_at timestamptz, entry_hash text,
          sealed_at timestamptz, hash text)`;
  await sql`
    insert into audit_chains (tenant_id, seq, hash, sealed_at)
      select tenant_id, seq, decode(hash, 'hex'), sealed_at
      from jsonb_to_recordset(${sql.json(heads.map((head) => ({ ...head })))}::jsonb) as h
        (tenant_id integer, seq bigint, hash text, sealed_at timestamptz)
    on conflict (tenant_id) do update
      set seq = excluded.seq, hash = excluded.hash, sealed_at = excluded.sealed_at`;
}

/** Notes that all that a snapshot sees is sealed. */
export async function writeSnapshot(sql: TransactionSql, snapshot: string): Promise<void> {
  await sql`
    insert into audit_sealer (snapshot) values (${snapshot}::text::pg_snapshot)
    on conflict (only_one) do update set snapshot = excluded.snapshot`;
}

/** Keeps a copy of each chain's newest signed leaf in the database, for its tenant to read. */
export async function writeReceipts(sql: Sql, receipts: readonly Receipt[]): Promise<void> {
  await sql`
    update audit_chains c set receipt = r.receipt
    from jsonb_to_recordset(${
    sql.json(receipts.map((receipt) => ({ tenant_id: receipt.leaf.tenant_id, receipt })))
  }::jsonb) as r (tenant_id integer, receipt jsonb)
    where c.tenant_id = r.tenant_id`;
}

/** The number of the newest checkpoint that the database has a copy of; 0 for none. */
export async function newestReceipt(sql: Sql): Promise<number> {
  const [row] = await sql<[{ n: number | null }]>`
    select max((receipt -> 'statement' ->> 'n')::integer) as n from audit_chains`;
  return row.n ?? 0;
}

/** What the copies in the database say of each chain. */
export async function readReceiptLeaves(sql: Sql): Promise<Map<number, Leaf>> {
  const rows = await sql<{ receipt: unknown }[]>`
    select receipt from audit_chains where receipt is not null`;
  const leaves = rows.map((row) => receiptSchema.parse(row.receipt).leaf);
  return new Map(leaves.map((leaf) => [leaf.tenant_id, leaf]));
}

/** The leaves that have another link at their place, or none, where it must not have been dropped. */
export async function leavesNotFound(sql: Sql, leaves: readonly Leaf[]): Promise<number[]> {
  const rows = await sql<{ tenant_id: number }[]>`
    select f.tenant_id from jsonb_to_recordset(${
    sql.json(leaves.map((leaf) => ({ ...leaf })))
  }::jsonb) as f
      (tenant_id integer, seq bigint, hash text, floor_seq bigint)
    where f.seq > f.floor_seq and not exists (select from audit_seals s
      where s.tenant_id = f.tenant_id and s.seq = f.seq and s.hash = decode(f.hash, 'hex'))
    order by 1`;
  return rows.map((row) => row.tenant_id);
}

/** A chain with its entries after a place, in its order. */
export function readChain(
  sql: Sql,
  { tenantId, after }: { tenantId: number; after: number },
): AsyncGenerator<SealedEntry[]> {
  return chainLinks(after, (part) => selectLinks(sql, { tenantId, ...part }));
}
