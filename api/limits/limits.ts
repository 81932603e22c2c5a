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
  /** Counts one request of something that has a quota of its own. */
  consumeUpTo(quota: number, source: string): Promise<LimitState>;
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
  const counter = (name: string, points: number) => {
    const quota = { points, duration: windowSeconds, keyPrefix: `limit:${name}` };
    const shared = redis && name !== "source" && new RateLimiterRedis({
      ...quota,
      storeClient: redis.client,
      useRedisPackage: true,
      rejectIfRedisNotReady: true,
    });
    return { local: new RateLimiterMemory(quota), shared };
  };
  const classes = new Map(limitClasses.map((name) => [name, counter(name, quotas[name])]));
  const own = counter("own", Number.MAX_SAFE_INTEGER);

  async function consume(
    { local, shared }: ReturnType<typeof counter>,
    { source, quota }: { source: string; quota: number },
  ): Promise<LimitState> {
    const counted = await count(local, source);
    if (!redis || !shared) return stateOf(counted, quota);
    try {
      return stateOf(await redis.inTime(() => count(shared, source)), quota);
    } catch (error) {
      log.warn("limits are counted without Redis", errorFields(error));
      return stateOf(counted, Math.max(1, Math.floor(quota / 2)));
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
      const counted = await find(limit).local.get(source);
      const none = { consumedPoints: 0, msBeforeNext: windowSeconds * 1000 };
      return stateOf(counted ?? none, quotas[limit]);
    },
    consumeUpTo: (quota, source) => consume(own, { source, quota }),
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
