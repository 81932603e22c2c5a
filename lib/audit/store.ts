import type postgres from "postgres";
import { type Batch, nextBatch } from "./batches.ts";
import type { SealedEntry } from "./chain.ts";
import type { EntryRow } from "./entry.ts";

/** What a template of the driver and one of a tenant's transaction have in common. */
export interface Tag {
  <T extends readonly (object | undefined)[]>(
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
  ): postgres.PendingQuery<T>;
}

/** The one form of a time everywhere here: a JavaScript date would cut it to milliseconds. */
export const time = (sql: Tag, value: postgres.PendingQuery<postgres.Row[]>) =>
  sql<postgres.Row[]>`to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** The columns of an {@link EntryRow}, of `audit_log l`. */
export const entryColumns = (sql: Tag) =>
  sql<postgres.Row[]>`l.tenant_id, l.id::text as id, ${time(sql, sql`l.at`)} as at, l.actor,
    l.actor_user_id, l.action, l.outcome, l.target_type, l.target_id, l.request_id, l.peer_id, l.address,
    l.details::text as details`;

/** Whether an entry of `audit_log l` has its seal. By time as well: an id alone could be there twice. */
export const isSealed = (sql: Tag) =>
  sql<postgres.Row[]>`exists (select from audit_seals s
    where s.tenant_id = l.tenant_id and s.entry_id = l.id and s.entry_at = l.at)`;

export type ChainRow = { [Column in keyof EntryRow]: EntryRow[Column] | null } & {
  seq: string;
  entry_id: string;
  entry_at: string;
  entry_hash: string;
  sealed_at: string;
  hash: string;
};

/** The same of `audit_log l` as they stand, for what selects {@link entryColumns} of them. The API may not read `xact`. */
export const entryFields = (sql: Tag) =>
  sql<
    postgres.Row[]
  >`l.tenant_id, l.id, l.at, l.actor, l.actor_user_id, l.action, l.outcome, l.target_type,
    l.target_id, l.request_id, l.peer_id, l.address, l.details::text as details`;

/**
 * The next links of a chain, each with its entry where that is still there; no more of them than have so many bytes of
 * details, and one in any case.
 */
export const selectLinks = (
  sql: Tag,
  from: { tenantId: number; after: number; limit: number; bytes: number },
) =>
  sql<ChainRow[]>`
    select l.seq, l.entry_id, ${time(sql, sql`l.entry_at`)} as entry_at,
      encode(l.entry_hash, 'hex') as entry_hash, ${time(sql, sql`l.sealed_at`)} as sealed_at,
      encode(l.hash, 'hex') as hash, ${entryColumns(sql)}
    from (
      select l.*, sum(coalesce(octet_length(l.details), 0)) over (order by l.seq rows unbounded preceding) as up_to
      from (
        select s.seq, s.entry_id, s.entry_at, s.entry_hash, s.sealed_at, s.hash, ${entryFields(sql)}
        from (select * from audit_seals where tenant_id = ${from.tenantId} and seq > ${from.after}
          order by seq limit ${from.limit}) s
        left join audit_log l on l.tenant_id = s.tenant_id and l.id = s.entry_id and l.at = s.entry_at
      ) l
    ) l
    where l.up_to <= greatest(${from.bytes}::integer, octet_length(l.details))
    order by l.seq`;

/** All links after a place, a batch at a time. */
export async function* chainLinks(
  after: number,
  read: (part: { after: number } & Batch) => Promise<readonly ChainRow[]>,
): AsyncGenerator<SealedEntry[]> {
  for (let batch = nextBatch();;) {
    const rows = await read({ after, ...batch });
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map(sealedEntry);
    after = Number(last.seq);
    batch = nextBatch(rows.length);
  }
}

/** @returns a link and its entry; null for an entry that the database no longer has */
function sealedEntry(row: ChainRow): SealedEntry {
  const { seq, entry_id, entry_at, entry_hash, sealed_at, hash, ...entry } = row;
  return {
    ...{ seq: Number(seq), entry_id, entry_at, entry_hash, sealed_at, hash },
    entry: isWhole(entry) ? entry : null,
  };
}

/** The outer join found it. */
function isWhole(
  entry: { [Column in keyof EntryRow]: EntryRow[Column] | null },
): entry is EntryRow {
  return entry.id !== null;
}

/** How many entries have no seal though they are older than so many seconds; of one tenant, or of all. */
export const selectUnsealed = (
  sql: Tag,
  { tenantId, olderThan }: { tenantId?: number; olderThan: number },
) =>
  sql<[{ n: number }]>`
    select count(*)::integer as n from audit_log l
    where ${tenantId === undefined ? sql`true` : sql`l.tenant_id = ${tenantId}`}
      and l.at < now() - make_interval(secs => ${olderThan}) and not ${isSealed(sql)}`;
