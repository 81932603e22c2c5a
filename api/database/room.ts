import { codeOf, DatabaseUnavailable } from "./errors.ts";
import type { Pool } from "./pool.ts";

/** Remembers for a moment that the database found no room on its disk, for those whose work would be in vain. */
export interface Room {
  /** The same pool, heard by this. */
  heard(pool: Pool): Pool;
  /** @throws {DatabaseUnavailable} where less than a moment ago there was none */
  demand(): void;
}

/** What `Retry-After` tells as well. */
const momentMs = 1_000;
const diskFull = "53100";

/**
 * A password is hashed before anything is written, so with a full disk a crowd of log-ins would wait for one another's
 * hashes only to be refused. Reads go on, and so do writes that cost nothing before: they find out whether there is room.
 */
export function createRoom(now: () => number = () => performance.now()): Room {
  let lackedAt = -Infinity;

  async function hear<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Error && codeOf(error) === diskFull) lackedAt = now();
      throw error;
    }
  }

  return {
    heard: (pool) => ({
      use: (work, of) => hear(() => pool.use(work, of)),
      share: (statement) => hear(() => pool.share(statement)),
      get stats() {
        return pool.stats;
      },
      end: () => pool.end(),
    }),
    demand() {
      if (now() - lackedAt < momentMs) {
        throw new DatabaseUnavailable("the database has no room on its disk");
      }
    },
  };
}
