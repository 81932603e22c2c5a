import type { Sql } from "../db/connection.ts";
import { genesis, hashLink } from "../lib/audit/chain.ts";
import { hashEntry } from "../lib/audit/entry.ts";
import {
  type Head,
  type NewSeal,
  type Position,
  readHeads,
  readPart,
  readView,
  writeSeals,
  writeSnapshot,
} from "./store.ts";

/** How far a look that takes several batches has come; kept by the caller between them. */
export interface Sweep {
  /** All that this sees is sealed once the sweep is through. */
  snapshot: string;
  after: Position;
}

export interface SealedBatch {
  pid: number;
  /** Entries that were looked at; fewer than asked for where they are long. */
  read: number;
  sealed: number;
  /** Of each chain that moved: where it was, and where it is. */
  moved: { before: Head | undefined; after: Head }[];
  /** Milliseconds between an entry and its seal, at most. */
  longestMs: number;
  /** Set where there is more at once. */
  sweep: Sweep | undefined;
}

/** Of other sessions; thrown inside the transaction, which then has written nothing. */
export class LockLostError extends Error {
  override name = "LockLostError";
}

/**
 * Seals what was committed since the last time, in one transaction.
 *
 * Ids are given out before the commit, so that an entry can appear below one that is sealed already. What is new
 * is therefore told by snapshots: an entry is new if its transaction is visible now and was not visible then.
 * A transaction that takes long holds up nobody, and is sealed when it commits. The order of a chain is the order
 * of sealing; within a batch, that of ids.
 *
 * @param options.pid the session that holds the lock of the sealers
 * @throws {LockLostError} when the connection is another one
 */
export async function sealBatch(
  sql: Sql,
  options: { pid: number; limit: number; sweep: Sweep | undefined },
): Promise<SealedBatch> {
  const { limit } = options;
  return await sql.begin("isolation level repeatable read", async (tx) => {
    const view = await readView(tx);
    if (view.pid !== options.pid) throw new LockLostError("the connection was replaced");
    const { before, snapshot } = view;
    const everything = before === null || view.restored;
    const until = options.sweep?.snapshot ?? snapshot;
    const { read, rows, end } = await readPart(tx, {
      before: everything ? null : before,
      snapshot,
      after: options.sweep?.after,
      limit,
    });
    const sweep = end && { snapshot: until, after: end };
    rows.sort((a, b) => a.tenant_id - b.tenant_id || Number(BigInt(a.id) - BigInt(b.id)));

    const heads = await readHeads(tx, [...new Set(rows.map((row) => row.tenant_id))]);
    const ends = new Map<number, Head>();
    const seals: NewSeal[] = [];
    let longestMs = 0;
    for (const row of rows) {
      const { tenant_id } = row;
      const end = ends.get(tenant_id) ?? heads.get(tenant_id);
      const link = {
        tenant_id,
        seq: (end?.seq ?? 0) + 1,
        entry_id: row.id,
        entry_at: row.at,
        entry_hash: hashEntry(row),
        // Never before the link before it, so that a month of links is dropped from the chain's beginning.
        sealed_at: end && end.sealed_at > view.now ? end.sealed_at : view.now,
      };
      const hash = hashLink({ ...link, previous: end?.hash ?? genesis });
      seals.push({ ...link, hash });
      ends.set(tenant_id, { tenant_id, seq: link.seq, hash, sealed_at: link.sealed_at });
      longestMs = Math.max(longestMs, Date.parse(view.now) - Date.parse(row.at));
    }
    if (seals.length > 0) await writeSeals(tx, { seals, heads: [...ends.values()] });
    // Where nothing was new, the old snapshot still says the truth.
    if (!sweep && (seals.length > 0 || options.sweep || everything)) await writeSnapshot(tx, until);
    return {
      pid: view.pid,
      read,
      sealed: seals.length,
      moved: [...ends].map(([tenant, after]) => ({ before: heads.get(tenant), after })),
      longestMs,
      sweep,
    };
  });
}
