import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { Redis } from "../limits/redis.ts";

/** Failed log-ins of the last minutes, counted fast beside the record that the database keeps. */
export interface FailureCounters {
  /** How many there were of this key, as far as is known here. Never throws. */
  read(key: string): Promise<number>;
  add(key: string): Promise<void>;
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

  const shared = (key: string) => `login-failures:${key}`;

  return {
    async read(key) {
      const there = await ask((client) => client.get(shared(key)));
      return Math.max(local(key), Number(there ?? 0));
    },
    async add(key) {
      const known = local(key);
      if (known === 0) counted.delete(key);
      const until = counted.get(key)?.until ?? clock.now() + windowMs;
      counted.set(key, { count: known + 1, until });
      forget();
      await ask((client) =>
        client.multi().incr(shared(key)).expire(shared(key), Math.ceil(windowMs / 1000), "NX")
          .exec()
      );
    },
  };
}
