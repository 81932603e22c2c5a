import { connect, type Sql } from "../../db/connection.ts";
import { inTime } from "../../lib/in_time.ts";
import { createPatience } from "../../lib/patience.ts";
import type { Secret } from "../../lib/secret.ts";
import { createTurns, type Party } from "../../lib/turns.ts";
import { DatabaseUnavailable, isConnectionError } from "./errors.ts";
import { createSilence } from "./silence.ts";

export interface PoolOptions {
  applicationName: string;
  /** Connections kept open. */
  size: number;
  /** Connections opened beyond that under load, and closed again when idle. */
  overflow: number;
  /** Milliseconds a caller waits for a connection. */
  timeoutMs: number;
  /** Seconds after which a connection is replaced, between two holders. */
  recycleSeconds: number;
  /** Whether statements are prepared; true unless told. */
  prepare?: boolean;
  /** Milliseconds an overflow connection stays open unused; 10,000 unless told. */
  overflowIdleMs?: number;
  /** Milliseconds that no other tenant was there until one may hold more than half; 10,000 unless told. */
  quietMs?: number;
}

/** A statement that was asked for and not answered yet. */
export interface UnderWay {
  /** Rejects it, if it was not sent to the server yet. */
  cancelUnsent(): void;
}

/** One connection, held by one caller at a time. */
export interface Slot {
  readonly sql: Sql;
  /** True once the connection is gone, and with it any transaction. It does not come back: the next holder gets another. */
  readonly lost: boolean;
  readonly underWay: Set<UnderWay>;
  /** Drops a connection nobody can trust any more; whatever is under way on it is rejected. */
  giveUp(): void;
}

/**
 * A bounded pool of single-connection clients. The driver's own pool can neither bound the wait for a
 * connection nor tell a holder that its connection was lost, and crashes when a lost one is used.
 */
export interface Pool {
  /**
   * Runs `work` with an open connection of its own. Tenants take turns, and none holds more than half of
   * them while there are others.
   * @param of the tenant that it is for; nobody's unless told
   * @throws {DatabaseUnavailable} when none came free, or could be opened, in time
   */
  use<T>(work: (slot: Slot) => Promise<T>, of?: Party): Promise<T>;
  /**
   * Runs one statement that needs none before or after it, on a connection where others' are under way as well: many
   * leave in one write, and one server process, its plans at hand, answers them in their order.
   */
  share<T>(statement: (slot: Slot) => Promise<T>): Promise<T>;
  readonly stats: PoolStats;
  end(): Promise<void>;
}

export interface PoolStats {
  busy: number;
  waiting: number;
  size: number;
  /** Since the start: seconds that callers waited for a connection to come free, and how many gave up. */
  waitedSeconds: number;
  timeouts: number;
}

/** Statements that may be under way on the shared connection; the driver sends a hundred before it waits. */
const mostShared = 64;

/** Opens no connection yet: each slot connects with its first statement. @param url of one role, with its password */
export function createPool(url: Secret<string>, options: PoolOptions): Pool {
  const { overflowIdleMs = 10_000, quietMs = 10_000 } = options;
  const open = () => openConnection(url, options);
  const slots = Array.from({ length: options.size + options.overflow }, open);
  // The lowest free slot first, so that overflow connections fall idle and close.
  const free = slots.map((_, index) => index);
  const turns = createTurns<(index: number) => void>(Math.ceil(slots.length / 2), quietMs);
  const idle = new Map<number, ReturnType<typeof setTimeout>>();
  const closing = new Set<Promise<void>>();
  let shared: { connection: Connection; statements: number } | undefined;
  let ended = false;
  let waitedMs = 0;
  let timeouts = 0;
  const patience = createPatience(options.timeoutMs);
  const silence = createSilence({
    patienceMs: options.timeoutMs,
    probe: () => askShared(({ sql }) => sql`select`),
    onSilence() {
      for (const slot of slots) if (slot.underWay.size > 0) slot.giveUp();
      shared?.connection.giveUp();
    },
  });

  function close(connection: Connection): void {
    const closed = connection.close().finally(() => closing.delete(closed));
    closing.add(closed);
  }

  function replace(index: number): Connection {
    close(slots[index] ?? unreachable());
    return slots[index] = open();
  }

  function currentShared(): NonNullable<typeof shared> {
    if (shared && !shared.connection.lost && !shared.connection.isOld()) return shared;
    if (shared?.statements === 0) close(shared.connection);
    return shared = { connection: open(), statements: 0 };
  }

  function release(index: number, of: Party): void {
    turns.release(of);
    const next = turns.next();
    if (next) return next(index);
    const place = free.findIndex((other) => other > index);
    free.splice(place < 0 ? free.length : place, 0, index);
    if (index >= options.size && !ended) {
      idle.set(index, setTimeout(() => replace(index), overflowIdleMs));
    }
  }

  function acquire(of: Party): Promise<number> {
    if (ended) return Promise.reject(new DatabaseUnavailable("the pool was closed"));
    // Whoever waits while one is free waits for his own tenant.
    const index = turns.mayHold(of) ? free.shift() : undefined;
    if (index !== undefined) {
      turns.hold(of);
      clearTimeout(idle.get(index));
      return Promise.resolve(index);
    }
    const since = performance.now();
    return new Promise((resolve, reject) => {
      const take = (index: number) => {
        come();
        waitedMs += performance.now() - since;
        resolve(index);
      };
      const come = patience(() => {
        turns.leave(of, take);
        waitedMs += performance.now() - since;
        timeouts++;
        reject(new DatabaseUnavailable("no database connection came free in time"));
      });
      turns.wait(of, take);
    });
  }

  async function use<T>(work: (slot: Slot) => Promise<T>, of: Party = null): Promise<T> {
    const index = await acquire(of);
    try {
      return await silence.during(async () => {
        let slot = slots[index] ?? unreachable();
        if (slot.lost || slot.isOld()) slot = replace(index);
        await slot.opened();
        return await work(slot);
      });
    } finally {
      release(index, of);
    }
  }

  async function askShared<T>(statement: (slot: Slot) => Promise<T>): Promise<T> {
    const mine = currentShared();
    mine.statements++;
    // One that waits for a lock holds up all behind it; asking again is better than to wait in its line.
    const answered = patience(() => mine.connection.giveUp());
    try {
      await mine.connection.opened();
      return await statement(mine.connection);
    } finally {
      answered();
      // One that was replaced meanwhile goes with its last answer.
      if (--mine.statements === 0 && mine !== shared) close(mine.connection);
    }
  }

  return {
    use,
    async share(statement) {
      // Where answers stay away, whoever comes next waits for a connection of his own, and no longer than told.
      if (ended || shared?.statements === mostShared) return await use(statement);
      return await silence.during(() => askShared(statement));
    },
    get stats() {
      return {
        busy: slots.length - free.length,
        waiting: turns.waiting,
        size: slots.length,
        waitedSeconds: waitedMs / 1000,
        timeouts,
      };
    },
    async end() {
      ended = true;
      silence.close();
      for (const timer of idle.values()) clearTimeout(timer);
      if (shared) close(shared.connection);
      await Promise.all([...slots.map((slot) => slot.close()), ...closing]);
    },
  };
}

interface Connection extends Slot {
  /** Connects at the first call. */
  opened(): Promise<void>;
  isOld(): boolean;
  close(): Promise<void>;
}

function openConnection(url: Secret<string>, options: PoolOptions): Connection {
  const openedAt = performance.now();
  const underWay = new Set<UnderWay>();
  let lost = false;
  let opening: Promise<void> | undefined;
  const sql = connect(url, {
    max: 1,
    applicationName: options.applicationName,
    ...(options.prepare === undefined ? {} : { prepare: options.prepare }),
    // Never by the driver's own timers: they close a connection under a transaction that is between two
    // statements, and the next statement then runs on a new connection, outside of it.
    idleTimeout: 0,
    maxLifetime: 0,
    connectTimeout: Math.max(1, options.timeoutMs / 1000),
    onclose: () => lost = true,
  });

  function giveUp(): void {
    lost = true;
    // The driver would open a new connection for those that still wait to be sent.
    for (const statement of underWay) statement.cancelUnsent();
    void sql.end({ timeout: 0 });
  }

  async function open(): Promise<void> {
    try {
      // A proxy that accepts and hangs up keeps the driver trying for ever.
      await inTime(sql`select`, {
        ms: options.timeoutMs,
        late: () => new DatabaseUnavailable("no database connection could be opened in time"),
      });
    } catch (error) {
      giveUp();
      // A name that is not found, no route, a certificate, a password that was changed: the reason is for the log.
      if (isConnectionError(error)) throw error;
      const words = error instanceof Error ? error.message : String(error);
      throw new DatabaseUnavailable(`no database connection could be opened: ${words}`, {
        cause: error,
      });
    }
  }

  return {
    sql,
    underWay,
    get lost() {
      return lost;
    },
    giveUp,
    opened: () => opening ??= open(),
    isOld: () => performance.now() - openedAt > options.recycleSeconds * 1000,
    close: () => sql.end({ timeout: 5 }),
  };
}

function unreachable(): never {
  throw new Error("a pool index has no slot");
}
