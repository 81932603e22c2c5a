import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { v7 as uuidv7 } from "uuid";
import type { AppEnv } from "../context.ts";
import type { Logger } from "../../lib/log.ts";
import type { Meters } from "../meters.ts";

/** A caller's own id is echoed where it cannot confuse a log or a header. */
const acceptable = /^[A-Za-z0-9._-]{8,64}$/;

/** The one path with a secret in it: whoever reads the log could use the link. */
function withoutToken(path: string): string {
  return path.replace(/(\/password-reset\/validate\/).+/, "$1{token}");
}

/** Gives every request an id and a logger that carries it, and writes the access log. Outermost: refusals carry it too. */
export function requestId(
  deps: { log: Logger; meters: Meters; settings: { slowRequestMs: number } },
) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const offered = c.req.header("x-request-id");
    const id = offered && acceptable.test(offered) ? offered : uuidv7();
    const started = performance.now();
    c.set("requestId", id);
    c.set("log", deps.log.with({ request_id: id }));
    await next();
    const elapsed = performance.now() - started;
    c.header("X-Request-ID", id);
    c.header("X-Response-Time", `${elapsed.toFixed(1)}ms`);
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
    if (c.get("auditFailed")) deps.meters.auditFailure();
    const principal = c.get("principal");
    const slow = elapsed >= deps.settings.slowRequestMs;
    c.get("log")[slow ? "warn" : "info"](slow ? "slow request" : "request", {
      method: c.req.method,
      path: withoutToken(c.req.path),
      status: c.res.status,
      duration_ms: Math.round(elapsed * 10) / 10,
      listener: c.env.listener,
      peer_id: c.get("peer")?.peerId,
      tenant_id: c.get("tenantId"),
      user_id: principal && "userId" in principal ? principal.userId : undefined,
      api_key_id: principal?.kind === "api_key" ? principal.apiKeyId : undefined,
    });
  });
}
