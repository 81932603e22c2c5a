import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from "rate-limiter-flexible";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { Redis } from "./redis.ts";

/** Classes of operations that share a limit. */
export const limitClasses = ["login", "anonymous", "authenticated"] as const;
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
}

/**
 * Counts in Redis, so that several processes share one quota, and always in memory as well: when Redis
 * fails, the count goes on where it stood, against half the quota (D4: stricter, never laxer). Where no Redis is
 * configured there is one process, and memory is the whole truth.
 */
export function createLimits(
  quotas: Record<LimitClass, number>,
  options: { redis: Redis | null; log: Logger },
): Limits {
  const { redis, log } = options;
  const classes = new Map(limitClasses.map((name) => {
    const quota = { points: quotas[name], duration: windowSeconds, keyPrefix: `limit:${name}` };
    const shared = redis && new RateLimiterRedis({
      ...quota,
      storeClient: redis.client,
      useRedisPackage: true,
      rejectIfRedisNotReady: true,
    });
    return [name, { quota: quotas[name], local: new RateLimiterMemory(quota), shared }];
  }));

  return {
    async consume(limit, source) {
      const found = classes.get(limit);
      if (!found) throw new Error(`no limit ${limit}`);
      const local = await count(found.local, source);
      if (!found.shared) return stateOf(local, found.quota);
      try {
        return stateOf(await count(found.shared, source), found.quota);
      } catch (error) {
        log.warn("limits are counted without Redis", errorFields(error));
        return stateOf(local, Math.max(1, Math.floor(found.quota / 2)));
      }
    },
  };
}

/** A count beyond the quota is thrown by the library as the same object that a count within it resolves to. */
async function count(
  limiter: RateLimiterMemory | RateLimiterRedis,
  source: string,
): Promise<RateLimiterRes> {
  try {
    return await limiter.consume(source);
  } catch (outcome) {
    if (outcome instanceof Error) throw outcome;
    return outcome as RateLimiterRes;
  }
}

function stateOf({ consumedPoints, msBeforeNext }: RateLimiterRes, quota: number): LimitState {
  return {
    allowed: consumedPoints <= quota,
    quota,
    remaining: Math.max(0, quota - consumedPoints),
    resetSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  };
}
