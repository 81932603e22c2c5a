import type { EntryRow } from "../../../lib/audit/entry.ts";
import { entryColumns, time } from "../../../lib/audit/store.ts";
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
    ${filters.from ? sql`and l.at >= ${filters.from}::text::timestamptz` : sql``}
    ${filters.to ? sql`and l.at < ${filters.to}::text::timestamptz` : sql``}`;

/** The API may read these, and not `xact`. */
const entry = (sql: TenantSql) =>
  sql`l.tenant_id, l.id, l.at, l.actor, l.actor_user_id, l.action, l.outcome, l.target_type, l.target_id,
    l.request_id, l.peer_id, l.address, l.details`;

const columns = (sql: TenantSql) =>
  sql`${entryColumns(sql)}, s.seq, encode(s.entry_hash, 'hex') as entry_hash,
    ${time(sql, sql`s.sealed_at`)} as sealed_at, encode(s.hash, 'hex') as hash`;

/** Looked up for each entry of a page: joined whole, PostgreSQL merges both tables from their beginning. */
const seals = (sql: TenantSql) =>
  sql`left join lateral (select * from audit_seals s
    where s.tenant_id = l.tenant_id and s.entry_id = l.id and s.entry_at = l.at limit 1) s on true`;

/** Newest first, below an id. */
export const selectPage = (
  sql: TenantSql,
  page: { before: string | null; limit: number; filters: Filters },
) =>
  sql<AuditRow[]>`
    select ${columns(sql)} from (
      select ${entry(sql)} from audit_log l where l.tenant_id = (select current_tenant_id())
        and l.id < coalesce(${page.before}::text::bigint, 9223372036854775807) ${
    where(sql, page.filters)
  }
      order by l.id desc limit ${page.limit}) l ${seals(sql)}
    order by l.id desc`;

/** The newest id there is, so that an export ends. */
export const selectNewestId = (sql: TenantSql) =>
  sql<{ id: string }[]>`
    select l.id::text as id from audit_log l where l.tenant_id = (select current_tenant_id())
    order by l.id desc limit 1`;

/** Oldest first, between two ids. */
export const selectBetween = (
  sql: TenantSql,
  range: { after: string; upTo: string; limit: number; filters: Filters },
) =>
  sql<AuditRow[]>`
    select ${columns(sql)} from (
      select ${entry(sql)} from audit_log l where l.tenant_id = (select current_tenant_id())
        and l.id > ${range.after}::text::bigint and l.id <= ${range.upTo}::text::bigint ${
    where(sql, range.filters)
  }
      order by l.id limit ${range.limit}) l ${seals(sql)}
    order by l.id`;

/** Where the chain of the tenant ends, and the newest checkpoint that says so. */
export const selectChain = (sql: TenantSql) =>
  sql<{ seq: string; hash: string; receipt: unknown }[]>`
    select seq, encode(hash, 'hex') as hash, receipt from audit_chains
    where tenant_id = (select current_tenant_id())`;
