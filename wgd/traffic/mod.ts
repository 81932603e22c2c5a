import { chunks } from "../../lib/chunks.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Database, DatabaseError } from "../database.ts";
import { Ledger, type Look } from "./ledger.ts";
import { claimTraffic, readTraffic, trimEvents, writeTraffic } from "./store.ts";

export { isOnline } from "./account.ts";

/** Keeps account of what peers send, receive and do, and writes it down beside the passes. */
export interface Traffic {
  look(look: Omit<Look, "now">): void;
  /** To be called after a pass: writes what is due, without anybody waiting for it. */
  passed(): void;
  /** Writes all that is not written yet. */
  close(): Promise<void>;
}

/** Peers of one statement: a few ten milliseconds. */
const chunkSize = 1000;
const trimEveryMs = 3_600_000;

/** @param intervalMs how long counters may wait to be written */
export function createTraffic(
  { interfaceId, database, intervalMs, clock, log }: {
    interfaceId: number;
    database: Database;
    intervalMs: number;
    clock: Clock;
    log: Logger;
  },
): Traffic {
  const ledger = new Ledger(intervalMs);
  let writing: Promise<void> | undefined;
  // By the monotonic clock.
  let trimAt = 0;

  async function write(everything: boolean): Promise<void> {
    try {
      if (!ledger.loaded) {
        const stored = await database.use((sql) => readTraffic(sql, interfaceId));
        ledger.load(stored, performance.now());
        return;
      }
      const due = ledger.due({ monotonic: performance.now(), now: clock.now(), everything });
      for (const chunk of chunks(due, chunkSize)) {
        const unknown = chunk.filter(({ hasRow }) => !hasRow);
        if (unknown.length > 0) {
          ledger.adopt(await database.use((sql) => claimTraffic(sql, interfaceId, unknown)));
        }
        const entries = ledger.again(chunk);
        const written = await database.use((sql) => writeTraffic(sql, interfaceId, entries));
        ledger.wrote(entries, written, performance.now());
      }
      if (performance.now() >= trimAt) {
        const isMore = await database.use(trimEvents);
        if (!isMore) trimAt = performance.now() + trimEveryMs;
      }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (error.cause) log.warn("what peers did cannot be written yet", errorFields(error.cause));
    }
  }

  return {
    look: (look) => ledger.look({ ...look, now: clock.now() }),
    passed() {
      writing ??= write(false)
        .catch((error) => log.error("keeping account of traffic failed", errorFields(error)))
        .finally(() => writing = undefined);
    },
    async close() {
      await writing;
      await write(true);
    },
  };
}
