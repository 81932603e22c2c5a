import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { type LimitClass, type Limits, type LimitState, windowSeconds } from "../limits/limits.ts";

/**
 * Counts the request against its source: the peer it came through, or the listener where there is none. The
 * answer tells the quota in the RateLimit fields of draft-ietf-httpapi-ratelimit-headers. The operator is
 * not limited: it is how a flooded system is repaired.
 */
export function limit(deps: { limits: Limits }, name: LimitClass) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.env.listener === "operator") return next();
    const source = c.get("peer")?.peerId ?? `${c.env.listener}/${c.env.address}`;
    hold(c, name, await deps.limits.consume(name, source));
    await next();
  });
}

/** Counts a request against an API key's own limit, where it has one. */
export async function countKey(
  deps: { limits: Limits },
  c: Context<AppEnv>,
  key: { id: string; quota: number | null },
): Promise<void> {
  if (key.quota === null) return;
  hold(c, "api-key", await deps.limits.consumeUpTo(key.quota, key.id));
}

function hold(c: Context<AppEnv>, name: string, state: LimitState): void {
  c.header("RateLimit-Policy", `"${name}";q=${state.quota};w=${windowSeconds}`);
  c.header("RateLimit", `"${name}";r=${state.remaining};t=${state.resetSeconds}`);
  if (!state.allowed) throw new ApiError("rate_limited", { retryAfter: state.resetSeconds });
}
