import type { Context, Next } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { v7 as uuidv7 } from "uuid";
import type { AppEnv } from "../context.ts";
import type { LogFields, Logger } from "../../lib/log.ts";
import { acceptableRequestId, continueTrace, withTrace } from "../../lib/trace.ts";
import type { Meters } from "../meters.ts";

/** The one path with a secret in it: whoever reads the log could use the link. */
function withoutToken(path: string): string {
  return path.replace(/(\/password-reset\/validate\/).+/, "$1{token}").slice(0, longestPath);
}

/** Longer than any path of ours. */
const longestPath = 300;

/** Gives every request its ids, which each line about it carries, and writes the access log. Outermost: refusals carry it too. */
export function requestId(
  deps: { log: Logger; meters: Meters; settings: { slowRequestMs: number } },
) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const offered = c.req.header("x-request-id");
    const id = offered && acceptableRequestId.test(offered) ? offered : uuidv7();
    const started = performance.now();
    c.set("requestId", id);
    c.set("log", deps.log);
    const trace = continueTrace(c.req.header("traceparent"));
    const who = () => whoAsks(c);
    await withTrace({ requestId: id, ...trace, who }, () => answer(c, next, started));
  });

  async function answer(c: Context<AppEnv>, next: Next, started: number): Promise<void> {
    await next();
    const elapsed = performance.now() - started;
    // Not by the context, which would make the whole answer anew for each.
    const { headers } = c.res;
    headers.set("X-Request-ID", c.get("requestId"));
    headers.set("X-Response-Time", `${elapsed.toFixed(1)}ms`);
    // Where no route matched, the last one is a middleware's pattern.
    const route = routePath(c, -1);
    deps.meters.request({
      method: c.req.method,
      route: route.includes("*") ? "none" : route,
      status: c.res.status,
      code: c.get("problemCode") ?? "",
      listener: c.env.listener,
      seconds: elapsed / 1000,
    });
    const limitedBy = c.get("limitedBy");
    if (limitedBy) deps.meters.limited(limitedBy);
    if (c.get("auditFailed")) deps.meters.auditFailure();
    const slow = elapsed >= deps.settings.slowRequestMs;
    c.get("log")[slow ? "warn" : "info"](slow ? "slow request" : "request", {
      method: c.req.method.slice(0, 20),
      path: withoutToken(c.req.path),
      status: c.res.status,
      duration_ms: Math.round(elapsed * 10) / 10,
      listener: c.env.listener,
    });
  }
}

/** Who is behind a request, as far as that is known by now; in each line of it. */
function whoAsks(c: Context<AppEnv>): LogFields {
  const principal = c.get("principal");
  return {
    peer_id: c.get("peer")?.peerId,
    tenant_id: c.get("tenantId"),
    user_id: principal && "userId" in principal ? principal.userId : undefined,
    api_key_id: principal?.kind === "api_key" ? principal.apiKeyId : undefined,
  };
}
