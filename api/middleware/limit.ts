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
    hold(c, name, await deps.limits.consume(name, sourceOf(c)));
    await next();
  });
}

/** Whose quota a request takes. */
const sourceOf = (c: Context<AppEnv>) =>
  c.get("peer")?.peerId ?? `${c.env.listener}/${c.env.address}`;

/**
 * Tells the quota on answers that were never counted as well: what is refused at the door, and what costs
 * nothing. Theirs is that of calls without a token, which they leave as it is.
 */
export function tellLimit(deps: { limits: Limits }) {
  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    if (c.env.listener === "operator" || c.res.headers.has("RateLimit")) return;
    tell(c, "anonymous", await deps.limits.look("anonymous", sourceOf(c)));
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

function tell(c: Context<AppEnv>, name: string, state: LimitState): void {
  c.header("RateLimit-Policy", `"${name}";q=${state.quota};w=${windowSeconds}`);
  c.header("RateLimit", `"${name}";r=${state.remaining};t=${state.resetSeconds}`);
}

function hold(c: Context<AppEnv>, name: string, state: LimitState): void {
  tell(c, name, state);
  if (!state.allowed) throw new ApiError("rate_limited", { retryAfter: state.resetSeconds });
}
