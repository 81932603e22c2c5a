import { connect, type Sql } from "../../db/connection.ts";
import type { Secret } from "../../lib/secret.ts";
import { DatabaseUnavailable } from "./errors.ts";

export interface PoolOptions {
  applicationName: string;
  /** Connections kept open. */
  size: number;
  /** Connections opened beyond that under load, and closed again when idle. */
  overflow: number;
  /** Milliseconds a caller waits for a connection. */
  timeoutMs: number;
  /** Seconds after which a connection is replaced. */
  recycleSeconds: number;
}

/** One connection, held by one caller at a time. */
export interface Slot {
  readonly sql: Sql;
  /** Grows whenever the connection is lost: a transaction that sees it change is gone. */
  readonly losses: number;
}

/**
 * A bounded pool of single-connection clients. The driver's own pool can neither bound the wait for a
 * connection nor tell a holder that its connection was lost, and crashes when a lost one is used.
 */
export interface Pool {
  /**
   * Runs `work` with a connection of its own.
   * @throws {DatabaseUnavailable} when none came free in time
   */
  use<T>(work: (slot: Slot) => Promise<T>): Promise<T>;
  readonly stats: { busy: number; waiting: number; size: number };
  end(): Promise<void>;
}

export function createPool(url: Secret<string>, options: PoolOptions): Pool {
  const slots = Array.from(
    { length: options.size + options.overflow },
    (_, index) => openSlot(url, options, index < options.size),
  );
  // The lowest free slot first, so that overflow connections fall idle and close.
  const free = slots.map((_, index) => index);
  const waiting: ((index: number) => void)[] = [];

  function release(index: number): void {
    const next = waiting.shift();
    if (next) return next(index);
    const place = free.findIndex((other) => other > index);
    free.splice(place < 0 ? free.length : place, 0, index);
  }

  function acquire(): Promise<number> {
    const index = free.shift();
    if (index !== undefined) return Promise.resolve(index);
    return new Promise((resolve, reject) => {
      const take = (index: number) => {
        clearTimeout(timer);
        resolve(index);
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(take), 1);
        reject(new DatabaseUnavailable("no database connection came free in time"));
      }, options.timeoutMs);
      waiting.push(take);
    });
  }

  return {
    async use(work) {
      const index = await acquire();
      try {
        return await work(slots[index] ?? unreachable());
      } finally {
        release(index);
      }
    },
    get stats() {
      return { busy: slots.length - free.length, waiting: waiting.length, size: slots.length };
    },
    async end() {
      await Promise.all(slots.map((slot) => slot.sql.end({ timeout: 5 })));
    },
  };
}

function openSlot(url: Secret<string>, options: PoolOptions, core: boolean): Slot {
  let losses = 0;
  const sql = connect(url, {
    max: 1,
    applicationName: options.applicationName,
    idleTimeout: core ? 0 : 10,
    maxLifetime: options.recycleSeconds,
    connectTimeout: Math.max(1, options.timeoutMs / 1000),
    onclose: () => losses++,
  });
  return {
    sql,
    get losses() {
      return losses;
    },
  };
}

function unreachable(): never {
  throw new Error("a pool index has no slot");
}
