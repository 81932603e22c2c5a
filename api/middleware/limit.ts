import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";
import { type LimitClass, type Limits, windowSeconds } from "../limits/limits.ts";

/**
 * Counts the request against its source: the peer it came through, or the listener where there is none. The
 * answer tells the quota in the RateLimit fields of draft-ietf-httpapi-ratelimit-headers. The operator is
 * not limited: it is how a flooded system is repaired.
 */
export function limit(deps: { limits: Limits }, name: LimitClass) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.env.listener === "operator") return next();
    const source = c.get("peer")?.peerId ?? `${c.env.listener}/${c.env.address}`;
    const state = await deps.limits.consume(name, source);
    c.header("RateLimit-Policy", `"${name}";q=${state.quota};w=${windowSeconds}`);
    c.header("RateLimit", `"${name}";r=${state.remaining};t=${state.resetSeconds}`);
    if (!state.allowed) throw new ApiError("rate_limited", { retryAfter: state.resetSeconds });
    await next();
  });
}
