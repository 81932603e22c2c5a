import { errorFields, type Logger } from "../../lib/log.ts";
import { type Database, DatabaseError } from "../database.ts";
import type { DesiredState } from "../desired.ts";
import type { DesiredStore } from "../desired/mod.ts";
import type { Policies } from "../policy/mod.ts";
import type { DesiredTable } from "../desired/table.ts";

/** Peer ids to look at again, or everything. */
export type Scope = "all" | readonly string[];

/**
 * Reads what a pass is about into the table.
 * @returns why the rows could not be read, or null; then the table has those last read
 */
export async function readRows(
  { database, store, table, policies, log }: {
    database: Database;
    store: DesiredStore;
    table: DesiredTable;
    policies: Policies;
    log: Logger;
  },
  { scope, signal }: { scope: Scope; signal: AbortSignal },
): Promise<string | null> {
  try {
    if (scope === "all") {
      const { digests } = table;
      table.replaceAll(await database.use((sql) => store.readAll(sql, digests), { signal }));
      await database.use((sql) => policies.read(sql), { signal });
    } else {
      table.replaceSome(scope, await database.use((sql) => store.read(sql, scope), { signal }));
    }
    return null;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.cause) log.warn("the desired peers cannot be read", errorFields(error.cause));
    return "the database cannot be read";
  }
}

/** @returns what the table has of these peers, or everything; ids that it does not know are left out */
export function rowsOf(scope: Scope, table: DesiredTable): DesiredState {
  if (scope === "all") {
    return { peers: [...table.peers.values()], retired: [...table.retired.values()] };
  }
  const ids = new Set(scope);
  return {
    peers: [...ids].map((id) => table.peers.get(id)).filter((peer) => peer !== undefined),
    retired: [...table.retired.values()].filter((key) => ids.has(key.peerId)),
  };
}
