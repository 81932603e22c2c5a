import type { Sql } from "../db/connection.ts";
import type { Leaf } from "../lib/audit/checkpoint.ts";

/** Makes the partitions of the months ahead. @returns rows that lie in none */
export async function makePartitions(sql: Sql): Promise<number> {
  const [row] = await sql<[{ rows: string }]>`select audit_make_partitions() as rows`;
  return Number(row.rows);
}

/** The beginning of the oldest month that is kept, in UTC. */
export function retentionCut(now: number, months: number): Date {
  const date = new Date(now);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - months));
}

/**
 * Drops the months that are past their retention. Before that, a checkpoint says so: from then on an entry older
 * than the cut may be missing, and each chain begins after its floor. A crash between the two loses nothing.
 *
 * @returns the partitions that were dropped
 */
export async function retain(
  sql: Sql,
  options: {
    months: number;
    now: number;
    leaves: readonly Leaf[];
    sign: (leaves: readonly Leaf[]) => Promise<void>;
  },
): Promise<string[]> {
  const cutDate = retentionCut(options.now, options.months);
  const cut = `${cutDate.toISOString().slice(0, 19)}.000000Z`;
  if (!(await hasMonthsBefore(sql, cut))) return [];
  const announced = options.leaves.every((leaf) => leaf.cut !== null && leaf.cut >= cut);
  if (!announced) {
    const rows = await sql<{ tenant_id: number; seq: string; hash: string }[]>`
      select distinct on (tenant_id) tenant_id, seq, encode(hash, 'hex') as hash from audit_seals
      where sealed_at < ${cut}::timestamptz order by tenant_id, seq desc`;
    const floors = new Map(rows.map((row) => [row.tenant_id, row]));
    await options.sign(options.leaves.map((leaf) => {
      const floor = floors.get(leaf.tenant_id);
      const moves = floor && Number(floor.seq) > leaf.floor_seq;
      return {
        ...leaf,
        cut: leaf.cut !== null && leaf.cut > cut ? leaf.cut : cut,
        ...(moves ? { floor_seq: Number(floor.seq), floor_hash: floor.hash } : {}),
      };
    }));
  }
  const [row] = await sql<[{ dropped: string[] }]>`
    select audit_drop_partitions(${cut}::timestamptz) as dropped`;
  return row.dropped;
}

async function hasMonthsBefore(sql: Sql, cut: string): Promise<boolean> {
  const rows = await sql`
    select from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('audit_log'::regclass, 'audit_seals'::regclass)
      and case when c.relname ~ '_[0-9]{4}_[0-9]{2}$'
        then to_date(right(c.relname, 7), 'YYYY_MM') < (${cut}::timestamptz at time zone 'UTC') end
    limit 1`;
  return rows.length > 0;
}
