import { once } from "node:events";
import postgres from "postgres";
import type { Sql } from "../db/connection.ts";
import { whySessionUnfit } from "../db/session_check.ts";
import { inTime } from "../lib/in_time.ts";
import { errorFields, type Logger } from "../lib/log.ts";
import { pauseFor } from "../lib/pause.ts";

/** The database did not answer; what it would have said is not known. */
export class DatabaseError extends Error {
  override name = "DatabaseError";
}

export interface Database {
  readonly state: "connected" | "disconnected";
  /** Settles when the first attempt to connect succeeded or failed. */
  readonly attempted: Promise<void>;
  /**
   * Does some work with the database. While it is disconnected, this fails at once: asking again is this
   * object's own affair, and a pass over the interface must not wait for it.
   *
   * @param bounds.signal stops the waiting, not the work
   * @param bounds.timeoutMs until an answer counts as lost, where the work is known to take long
   * @throws {DatabaseError} when the database did not do it; what the work itself throws passes through
   */
  use<T>(work: (sql: Sql) => Promise<T>, bounds?: Bounds): Promise<T>;
  close(): Promise<void>;
}

interface Bounds {
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface DatabaseOptions {
  /** Opens a pool for queries. */
  open: () => Sql;
  /** Opens a pool of one connection, for LISTEN. */
  openListener: () => Sql;
  channel: string;
  /** A notification, with its payload. */
  onNotify: (payload: string) => void;
  /** The database is there (again), or notifications may have been missed: look at everything. */
  onReady: () => void;
  log: Logger;
  /** Milliseconds until an answer counts as lost; 5,000 unless told. */
  timeoutMs?: number;
}

const firstDelayMs = 50;
const longestDelayMs = 1_000;

/** Keeps one pool and one LISTEN alive for as long as it is open. */
export function openDatabase(options: DatabaseOptions): Database {
  const { log, timeoutMs: patienceMs = 5_000 } = options;
  let sql = options.open();
  let state: Database["state"] = "disconnected";
  const ending = new AbortController();
  const closing = ending.signal;
  const closed = once(closing, "abort");
  const attempted = Promise.withResolvers<void>();

  const bounded = <T>(work: Promise<T>, { signal, timeoutMs = patienceMs }: Bounds = {}) =>
    inTime(work, {
      ms: timeoutMs,
      signal,
      late: () =>
        signal?.aborted
          ? new DatabaseError("not waited for any longer")
          : new LostError("no answer in time"),
    });

  function lose(error: unknown): void {
    if (state === "disconnected" || closing.aborted) return;
    state = "disconnected";
    log.warn("the database is lost; the tunnel stays as it is", errorFields(error));
    void reconnect();
  }

  async function reconnect(): Promise<void> {
    let said = "";
    for (
      let delay = firstDelayMs;
      !closing.aborted;
      delay = Math.min(delay * 2, longestDelayMs)
    ) {
      // A pool that hangs is not mended by waiting, and what it still holds must not arrive later.
      const old = sql;
      sql = options.open();
      void old.end({ timeout: 0 }).catch(() => {});
      try {
        const unfit = await bounded(whySessionUnfit(sql));
        if (unfit !== undefined) throw new UnfitError(unfit);
        state = "connected";
        attempted.resolve();
        log.info("the database is connected");
        options.onReady();
        return;
      } catch (error) {
        attempted.resolve();
        // One that answers, and will not do until somebody mends it.
        if (error instanceof UnfitError && error.message !== said) {
          said = error.message;
          log.error("the daemon does not work with this database", errorFields(error));
        } else log.debug("the database does not answer", errorFields(error));
        await pauseFor(delay, closing);
      }
    }
  }

  // postgres.js listens again by itself after a connection that once listened is lost, and then calls
  // onlisten again; only the first attempt is ours to repeat.
  async function listen(): Promise<void> {
    for (
      let delay = firstDelayMs;
      !closing.aborted;
      delay = Math.min(delay * 2, longestDelayMs)
    ) {
      const listener = options.openListener();
      try {
        await listener.listen(options.channel, options.onNotify, options.onReady);
        await closed;
      } catch (error) {
        log.debug("cannot listen for notifications yet", errorFields(error));
        await pauseFor(delay, closing);
      }
      await listener.end({ timeout: 0 }).catch(() => {});
    }
  }

  const listening = listen();
  const connecting = reconnect();
  return {
    attempted: attempted.promise,
    get state() {
      return state;
    },
    async use(work, bounds) {
      if (state === "disconnected") throw new DatabaseError("the database is disconnected");
      try {
        return await bounded(work(sql), bounds);
      } catch (error) {
        if (isLoss(error)) lose(error);
        else if (!(error instanceof postgres.PostgresError)) throw error;
        throw new DatabaseError("the database did not do its part", { cause: error });
      }
    },
    async close() {
      ending.abort();
      await Promise.all([listening, connecting, sql.end({ timeout: 1 }).catch(() => {})]);
    },
  };
}

class UnfitError extends Error {
  override name = "UnfitError";
}

class LostError extends Error {
  override name = "LostError";
}

function isLoss(error: unknown): boolean {
  if (error instanceof LostError) return true;
  // The server ended the session, or let nobody in; any other error says that it is well.
  if (error instanceof postgres.PostgresError) return /^(FATAL|PANIC)$/.test(error.severity);
  // Those of postgres.js (CONNECTION_CLOSED, CONNECT_TIMEOUT ...) and of sockets (ECONNREFUSED, ENOENT ...).
  return error instanceof Error && "code" in error && /^(CONN|E[A-Z]+$)/.test(String(error.code));
}
