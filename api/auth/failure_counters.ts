import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { Redis } from "../limits/redis.ts";
import { failuresUntilLock } from "./throttle.ts";

/** Failed log-ins of the last minutes, counted fast beside the record that the database keeps. */
export interface FailureCounters {
  /** How many there were of each key, as far as is known here. Never throws. */
  read(keys: readonly string[]): Promise<number[]>;
  /** One more of each. The one that locks begins the window anew, so that a lock lasts for all of its time. */
  add(keys: readonly string[]): Promise<void>;
}

/** More keys than this are not remembered; those that end soonest go first. */
const mostKeys = 50_000;

/**
 * In memory, and in Redis where there is one. Both only ever make a lock come sooner than the database alone would
 * have it: without Redis, or after a restart, what the database has recorded counts on (D4). Tenants that do not
 * exist have no rows, and are counted here alone.
 */
export function createFailureCounters(
  options: { windowMs: number; redis: Redis | null; clock: Clock; log: Logger },
): FailureCounters {
  const { windowMs, redis, clock, log } = options;
  const counted = new Map<string, { count: number; until: number }>();

  async function ask<T>(work: (client: Redis["client"]) => Promise<T>): Promise<T | undefined> {
    if (!redis) return undefined;
    try {
      return await redis.inTime(work);
    } catch (error) {
      log.warn("failed log-ins are counted without Redis", errorFields(error));
      return undefined;
    }
  }

  function local(key: string): number {
    const found = counted.get(key);
    return found && found.until > clock.now() ? found.count : 0;
  }

  function forget(): void {
    const now = clock.now();
    for (const [key, { until }] of counted) {
      // In the order of insertion, which is that of their ends: each key keeps the end that it began with.
      if (until > now && counted.size < mostKeys) return;
      counted.delete(key);
    }
  }

  const seconds = Math.ceil(windowMs / 1000);
  const shared = (key: string) => `login-failures:${key}`;

  return {
    async read(keys) {
      const there = await ask((client) => client.mGet(keys.map(shared)));
      return keys.map((key, n) => Math.max(local(key), Number(there?.[n] ?? 0)));
    },
    async add(keys) {
      for (const key of keys) {
        const count = local(key) + 1;
        if (count === 1 || count === failuresUntilLock) counted.delete(key);
        const until = counted.get(key)?.until ?? clock.now() + windowMs;
        counted.set(key, { count, until });
      }
      forget();
      await ask(async (client) => {
        const multi = client.multi();
        for (const key of keys) multi.incr(shared(key)).expire(shared(key), seconds, "NX");
        const replies = await multi.exec();
        const locking = keys.filter((_, n) => Number(replies[2 * n]) === failuresUntilLock);
        await Promise.all(locking.map((key) => client.expire(shared(key), seconds)));
      });
    },
  };
}
