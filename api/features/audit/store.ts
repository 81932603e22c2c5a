import type { PendingQuery, Row } from "postgres";
import type { EntryRow } from "../../../lib/audit/entry.ts";
import { entryColumns, entryFields, time } from "../../../lib/audit/store.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Filters } from "./schemas.ts";

/** An entry with its seal, where it has one. */
export interface AuditRow extends EntryRow {
  seq: string | null;
  entry_hash: string | null;
  sealed_at: string | null;
  hash: string | null;
}

const where = (sql: TenantSql, filters: Filters) =>
  sql`${filters.actor ? sql`and l.actor = ${filters.actor}` : sql``}
    ${filters.actor_user_id ? sql`and l.actor_user_id = ${filters.actor_user_id}` : sql``}
    ${filters.action ? sql`and l.action = ${filters.action}` : sql``}
    ${filters.outcome ? sql`and l.outcome = ${filters.outcome}` : sql``}
    ${filters.target_type ? sql`and l.target_type = ${filters.target_type}` : sql``}
    ${filters.target_id ? sql`and l.target_id = ${filters.target_id}` : sql``}
    ${filters.peer_id ? sql`and l.peer_id = ${filters.peer_id}` : sql``}
    ${filters.request_id ? sql`and l.request_id = ${filters.request_id}` : sql``}
    ${inTime(sql, filters)}`;

/** By partition and key; the other filters but `request_id` have each entry looked at. */
const inTime = (sql: TenantSql, filters: Pick<Filters, "from" | "to">) =>
  sql`${filters.from ? sql`and l.at >= ${filters.from}::text::timestamptz` : sql``}
    ${filters.to ? sql`and l.at < ${filters.to}::text::timestamptz` : sql``}`;

const columns = (sql: TenantSql) =>
  sql`${entryColumns(sql)}, s.seq, encode(s.entry_hash, 'hex') as entry_hash,
    ${time(sql, sql`s.sealed_at`)} as sealed_at, encode(s.hash, 'hex') as hash`;

/** Looked up for each entry of a page: joined whole, PostgreSQL merges both tables from their beginning. */
const seals = (sql: TenantSql) =>
  sql`left join lateral (select * from audit_seals s
    where s.tenant_id = l.tenant_id and s.entry_id = l.id and s.entry_at = l.at limit 1) s on true`;

/**
 * Of what was found, in its order, no more than so many bytes of details, and one entry in any case: an entry can be
 * a thousand times as long as another, and whoever reads them holds them all.
 */
const fitting = (
  sql: TenantSql,
  { found, order, bytes }: {
    found: PendingQuery<Row[]>;
    order: PendingQuery<Row[]>;
    bytes: number;
  },
) =>
  sql`
    select ${columns(sql)}, l.followed from (
      select l.*, sum(octet_length(l.details)) over w as up_to, lead(l.id) over w is not null as followed
      from (${found}) l window w as (${order} rows unbounded preceding)) l ${seals(sql)}
    where l.up_to <= greatest(${bytes}::integer, octet_length(l.details)) ${order}`;

/** Entries that one statement looks at for a filter that no index answers: some 20 ms of the database. */
const lookedAt = 20_000;

/** Whether a filter has entries looked at that it does not show. */
export function isSearch({ from: _, to: __, request_id, ...others }: Filters): boolean {
  return request_id === undefined && Object.values(others).some((value) => value !== undefined);
}

/** Where a search from the newest entry on leaves off: the first one that it does not look at, if there is one. */
export const selectFloor = (sql: TenantSql, from: { before: string | null; filters: Filters }) =>
  sql<{ id: string }[]>`
    select l.id::text as id from audit_log l where l.tenant_id = (select current_tenant_id())
      and l.id < coalesce(${from.before}::text::bigint, 9223372036854775807) ${
    inTime(sql, from.filters)
  } order by l.id desc offset ${lookedAt} limit 1`;

/** The same for one from the oldest on: the last entry that it looks at. */
export const selectCeiling = (
  sql: TenantSql,
  from: { after: string; upTo: string; filters: Filters },
) =>
  sql<{ id: string }[]>`
    select l.id::text as id from audit_log l where l.tenant_id = (select current_tenant_id())
      and l.id > ${from.after}::text::bigint and l.id <= ${from.upTo}::text::bigint ${
    inTime(sql, from.filters)
  } order by l.id offset ${lookedAt - 1} limit 1`;

/** Newest first, between two ids. */
export const selectPage = (
  sql: TenantSql,
  page: {
    before: string | null;
    floor: string | null;
    limit: number;
    bytes: number;
    filters: Filters;
  },
) => {
  const order = sql`order by l.id desc`;
  const found = sql`
    select ${entryFields(sql)} from audit_log l where l.tenant_id = (select current_tenant_id())
      and l.id < coalesce(${page.before}::text::bigint, 9223372036854775807)
      and l.id > coalesce(${page.floor}::text::bigint, 0) ${
    where(sql, page.filters)
  } ${order} limit ${page.limit}`;
  return sql<(AuditRow & { followed: boolean })[]>`${
    fitting(sql, { found, order, bytes: page.bytes })
  }`;
};

/** The newest id there is, so that an export ends. */
export const selectNewestId = (sql: TenantSql) =>
  sql<{ id: string }[]>`
    select l.id::text as id from audit_log l where l.tenant_id = (select current_tenant_id())
    order by l.id desc limit 1`;

/** Oldest first, between two ids. */
export const selectBetween = (
  sql: TenantSql,
  range: { after: string; upTo: string; limit: number; bytes: number; filters: Filters },
) => {
  const order = sql`order by l.id`;
  const found = sql`
    select ${entryFields(sql)} from audit_log l where l.tenant_id = (select current_tenant_id())
      and l.id > ${range.after}::text::bigint and l.id <= ${range.upTo}::text::bigint ${
    where(sql, range.filters)
  } ${order} limit ${range.limit}`;
  return sql<AuditRow[]>`${fitting(sql, { found, order, bytes: range.bytes })}`;
};

/** Where the chain of the tenant ends, and the newest checkpoint that says so. */
export const selectChain = (sql: TenantSql) =>
  sql<{ seq: string; hash: string; receipt: unknown }[]>`
    select seq, encode(hash, 'hex') as hash, receipt from audit_chains
    where tenant_id = (select current_tenant_id())`;
