import { pauseFor } from "../../lib/pause.ts";
import type { Sql } from "../../db/connection.ts";

/** Rows that were inserted, updated and deleted so far, by table; rolled back ones too. */
export type RowsWritten = ReadonlyMap<string, number>;

/** A backend tells its counts when it has nothing to do for this long, if not before (PGSTAT_IDLE_INTERVAL). */
const toldWithinMs = 10_000;

/** By the statistics of every table, once everybody has told his: a second longer than that without a change. */
export async function rowsWritten(owner: Sql, timeoutMs = 60_000): Promise<RowsWritten> {
  const deadline = performance.now() + timeoutMs;
  let last = await read(owner);
  let since = performance.now();
  while (performance.now() - since < toldWithinMs + 1_000) {
    if (performance.now() > deadline) throw new Error("the tables are written to all the time");
    await pauseFor(250);
    const now = await read(owner);
    if (changes(last, now).size > 0) since = performance.now();
    last = now;
  }
  return last;
}

async function read(owner: Sql): Promise<Map<string, number>> {
  const rows = await owner<{ name: string; n: number }[]>`
    select relname as name, (n_tup_ins + n_tup_upd + n_tup_del)::float8 as n from pg_stat_user_tables`;
  return new Map(rows.map(({ name, n }) => [name, n]));
}

/** What was written between two readings; tables that nobody wrote to are not in it. */
export function changes(before: RowsWritten, after: RowsWritten): Map<string, number> {
  return new Map(
    [...after].map(([name, n]) => [name, n - (before.get(name) ?? 0)] as const)
      .filter(([, n]) => n !== 0),
  );
}
