import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv, LimitedBy } from "../context.ts";
import { ApiError } from "../errors.ts";
import { type LimitClass, type Limits, type LimitState, windowSeconds } from "../limits/limits.ts";

/**
 * Counts the request against its source: the peer it came through, or the listener where there is none. The
 * answer tells the quota in the RateLimit fields of draft-ietf-httpapi-ratelimit-headers. The operator is
 * not limited: it is how a flooded system is repaired.
 */
export function limit(deps: { limits: Limits }, name: LimitClass) {
  return createMiddleware<AppEnv>(async (c, next) => {
    await countSource(deps, c, name);
    await next();
  });
}

/**
 * The same, but for a proxy of ours that speaks for nobody: whoever restarts processes behind it one after the other asks
 * through it several times a second, from this host.
 */
export function limitButForProxies(deps: { limits: Limits }, name: LimitClass) {
  const counted = limit(deps, name);
  return createMiddleware<AppEnv>((c, next) => c.env.address === null ? next() : counted(c, next));
}

/** The same for what is refused before its operation is known, or costs that by what it asks for. */
export async function countSource(
  deps: { limits: Limits },
  c: Context<AppEnv>,
  name: LimitClass,
): Promise<void> {
  if (c.env.listener === "operator") return;
  hold(c, name, await deps.limits.consume(name, sourceOf(c)));
}

/**
 * Counts what comes from one source, whatever it asks for, before anything is looked up for it: by what this process
 * knows, without a way to Redis, so several processes each have the whole quota.
 */
export function coarseLimit(deps: { limits: Limits }) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.env.listener !== "operator") {
      const state = await deps.limits.consume("source", `${c.env.listener}/${c.env.address}`);
      if (!state.allowed) hold(c, "source", state);
    }
    await next();
  });
}

/** Counts a request against whoever was proven to make it, through whichever peers he comes. */
export function limitPrincipal(deps: { limits: Limits }) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const principal = c.get("principal");
    if (principal && principal.kind !== "operator") {
      const { tenantId, kind } = principal;
      const id = kind === "user" ? principal.userId : principal.apiKeyId;
      const who = `${kind}/${tenantId}/${id}`;
      hold(c, "authenticated", await deps.limits.consume("authenticated", who));
      if (kind === "api_key" && principal.quota !== null) {
        hold(c, "api-key", await deps.limits.consumeUpTo(principal.quota, principal.apiKeyId));
      }
    }
    await next();
  });
}

/**
 * Counts what costs more than its principal's limit reckons with against his whole tenant.
 * @throws {ApiError} `rate_limited`
 */
export async function limitTenant(
  deps: { limits: Limits },
  c: Context<AppEnv>,
  { what, quota }: { what: "bulk" | "policy"; quota: number },
): Promise<void> {
  const principal = c.get("principal");
  if (!principal || principal.kind === "operator") return;
  hold(c, what, await deps.limits.consumeUpTo(quota, `${what}/${principal.tenantId}`));
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
    const state = await deps.limits.look("anonymous", sourceOf(c));
    const { headers } = c.res;
    tell((field, value) => headers.set(field, value), "anonymous", state);
  });
}

function tell(
  write: (field: string, value: string) => void,
  name: string,
  state: LimitState,
): void {
  write("RateLimit-Policy", `"${name}";q=${state.quota};w=${windowSeconds}`);
  write("RateLimit", `"${name}";r=${state.remaining};t=${state.resetSeconds}`);
}

function hold(c: Context<AppEnv>, name: LimitedBy, state: LimitState): void {
  tell(c.header, name, state);
  if (state.allowed) return;
  c.set("limitedBy", name);
  throw new ApiError("rate_limited", { retryAfter: state.resetSeconds });
}
