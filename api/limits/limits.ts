import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from "rate-limiter-flexible";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { Redis } from "./redis.ts";

/** Classes of operations that share a limit. */
const limitClasses = ["source", "login", "anonymous", "authenticated"] as const;
export type LimitClass = typeof limitClasses[number];

/** Seconds that a window lasts. */
export const windowSeconds = 60;

export interface LimitState {
  allowed: boolean;
  /** Requests per window. */
  quota: number;
  remaining: number;
  /** Seconds until the window ends. */
  resetSeconds: number;
}

/** Counts requests per class and source. */
export interface Limits {
  /** Counts one request. @param source whose quota it takes: a peer, or a listener */
  consume(limit: LimitClass, source: string): Promise<LimitState>;
  /** Where the source stands, without counting anything: by what this process knows. */
  look(limit: LimitClass, source: string): Promise<LimitState>;
  /**
   * Counts one request of something that has a quota of its own.
   * @param seconds that its window lasts; as long as all others' unless told
   */
  consumeUpTo(quota: number, source: string, seconds?: number): Promise<LimitState>;
}

/**
 * Counts in Redis, so that several processes share one quota, and always in memory as well: when Redis
 * fails, or where none is configured, the count goes on where it stood, against the share of one process, so that
 * all of them together give no more than the quota (D4: stricter, never laxer). Of a Redis that loses counts, each
 * process still gives no more than the quota by itself.
 *
 * @param options.processes how many there are; a quota of fewer requests than that is a request in several windows
 */
export function createLimits(
  quotas: Record<LimitClass, number>,
  options: { redis: Redis | null; processes: number; log: Logger },
): Limits {
  const { redis, log } = options;
  const counterOf = (name: string, points: number) => {
    const quota = { points, duration: windowSeconds, keyPrefix: `limit:${name}` };
    const shared = redis && name !== "source" && new RateLimiterRedis({
      ...quota,
      storeClient: redis.client,
      useRedisPackage: true,
      rejectIfRedisNotReady: true,
    });
    return {
      local: new RateLimiterMemory(quota),
      scarce: new RateLimiterMemory(quota),
      processes: name === "source" ? 1 : options.processes,
      shared,
    };
  };
  const classes = new Map(limitClasses.map((name) => [name, counterOf(name, quotas[name])]));
  const own = counterOf("own", Number.MAX_SAFE_INTEGER);

  async function consume(
    counter: ReturnType<typeof counterOf>,
    { source, quota, window = windowSeconds }: { source: string; quota: number; window?: number },
  ): Promise<LimitState> {
    const { limiter, share, windows } = aloneOf(counter, quota);
    const counted = await count(limiter, source, window * windows);
    const alone = stateOf(counted, share);
    const { shared } = counter;
    if (!redis || !shared) return alone;
    try {
      const all = await redis.inTime(() => count(shared, source, window));
      // What Redis threw away to make room, or somebody emptied, is still what this process gave.
      const own = windows === 1 ? counted : await count(counter.local, source, window);
      return stateOf(own.consumedPoints > all.consumedPoints ? own : all, quota);
    } catch (error) {
      log.warn("limits are counted without Redis", errorFields(error));
      return alone;
    }
  }

  const find = (limit: LimitClass) => {
    const found = classes.get(limit);
    if (!found) throw new Error(`no limit ${limit}`);
    return found;
  };
  return {
    consume: (limit, source) => consume(find(limit), { source, quota: quotas[limit] }),
    async look(limit, source) {
      const { limiter, share, windows } = aloneOf(find(limit), quotas[limit]);
      const none = { consumedPoints: 0, msBeforeNext: windowSeconds * windows * 1000 };
      return stateOf(await limiter.get(source) ?? none, redis ? quotas[limit] : share);
    },
    consumeUpTo: (quota, source, window = windowSeconds) => consume(own, { source, quota, window }),
  };
}

/** What one of several processes may give by itself: its share of the quota, or one request in more than a window. */
function aloneOf(
  counter: { local: RateLimiterMemory; scarce: RateLimiterMemory; processes: number },
  quota: number,
) {
  const { local, scarce, processes } = counter;
  const share = Math.floor(quota / processes);
  if (share > 0) return { limiter: local, share, windows: 1 };
  return { limiter: scarce, share: 1, windows: Math.ceil(processes / quota) };
}

/** A count beyond the quota is thrown by the library as the same object that a count within it resolves to. */
async function count(
  limiter: RateLimiterMemory | RateLimiterRedis,
  source: string,
  customDuration: number,
): Promise<RateLimiterRes> {
  try {
    return await limiter.consume(source, 1, { customDuration });
  } catch (outcome) {
    if (outcome instanceof Error) throw outcome;
    return outcome as RateLimiterRes;
  }
}

function stateOf(
  { consumedPoints, msBeforeNext }: Pick<RateLimiterRes, "consumedPoints" | "msBeforeNext">,
  quota: number,
): LimitState {
  return {
    allowed: consumedPoints <= quota,
    quota,
    remaining: Math.max(0, quota - consumedPoints),
    resetSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  };
}
