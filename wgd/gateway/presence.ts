import type { Sql } from "../../db/connection.ts";
import { inTime } from "../../lib/in_time.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { pauseFor } from "../../lib/pause.ts";

/** How `wg_gateways_seen()` finds the lock of an interface. */
const lockClass = 0x57470000;

export interface Presence {
  close(): Promise<void>;
}

/**
 * Lets the database know that this daemon lives: a session of its own holds an advisory lock, which goes with the
 * session however the daemon ends. Its second key says when the interface was read back last. Nothing is written.
 */
export function keepPresence(
  { open, interfaceId, readBackAt, log, everyMs = 2_000, patienceMs = 5_000 }: {
    /** Opens a pool of one connection. */
    open: () => Sql;
    interfaceId: number;
    /** Milliseconds since the Unix epoch; null before the first. */
    readBackAt: () => number | null;
    log: Logger;
    everyMs?: number;
    patienceMs?: number;
  },
): Presence {
  const first = lockClass + interfaceId;
  const closing = new AbortController();
  let sql = open();

  async function beat(): Promise<void> {
    const at = readBackAt();
    const age = at === null ? null : Math.max(0, (Date.now() - at) / 1000);
    const held = await sql<{ second: number }[]>`
      select l.objid::bigint::integer as second from pg_locks l
        where l.pid = pg_backend_pid() and l.locktype = 'advisory' and l.objsubid = 2
          and l.classid::bigint = ${first}`;
    // By the database's clock, which is the one that all gateways have in common.
    const [now] = await sql<{ second: number }[]>`
      select coalesce(extract(epoch from clock_timestamp() - timestamptz '2025-01-01 00:00:00Z')
        - ${age}::float8, 0)::integer as second`;
    const second = now?.second ?? 0;
    if (held.length === 0) {
      // A host that vanishes without a word ends its session after some 11 s, not after two hours; where an answer to it
      // was on its way, which the last one bounds, not after a quarter of one.
      await sql`
        select set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
          set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '11000', false)`;
    }
    if (!held.some((lock) => lock.second === second)) {
      const [lock] = await sql<{ got: boolean }[]>`
        select pg_try_advisory_lock_shared(${first}::integer, ${second}::integer) as got`;
      if (!lock?.got) return;
    }
    // The new one first: there is no moment without.
    for (const { second: old } of held) {
      if (old === second) continue;
      await sql`select pg_advisory_unlock_shared(${first}::integer, ${old}::integer)`;
    }
  }

  async function keep(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await inTime(beat(), { ms: patienceMs, late: () => new Error("no answer in time") });
      } catch (error) {
        if (closing.signal.aborted) return;
        log.debug("the database cannot be told that this daemon lives", errorFields(error));
        const old = sql;
        sql = open();
        void old.end({ timeout: 0 }).catch(() => {});
      }
      await pauseFor(everyMs, closing.signal);
    }
  }

  const keeping = keep();
  return {
    async close() {
      closing.abort();
      await sql.end({ timeout: 0 }).catch(() => {});
      await keeping;
    },
  };
}
