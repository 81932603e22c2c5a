import type { Context, Next } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { AppEnv } from "../context.ts";
import type { LogFields, Logger } from "../../lib/log.ts";
import { type OpenSpan, openSpan } from "../../lib/spans.ts";
import { acceptableRequestId, continueTrace, type Trace, withTrace } from "../../lib/trace.ts";
import { type Meters, methodLabel } from "../process/meters.ts";

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
    const id = offered && acceptableRequestId.test(offered) ? offered : crypto.randomUUID();
    const started = performance.now();
    c.set("requestId", id);
    c.set("log", deps.log);
    const { parentId, ...trace } = continueTrace(c.req.header("traceparent"));
    // A scraper's questions are many, and say nothing of anybody.
    const span = c.env.listener === "scrape" ? undefined : openSpan(
      { name: methodLabel(c.req.method), kind: "server" },
      { traceId: trace.traceId, spanId: parentId ?? trace.spanId },
    );
    const own = span ? { spanId: span.spanId, sampled: true } : {};
    const said: Trace = { requestId: id, ...trace, ...own, who: () => whoAsks(c) };
    try {
      await withTrace(said, () => answer(c, next, { started, span }));
    } finally {
      said.who = always(whoAsks(c));
    }
  });

  async function answer(
    c: Context<AppEnv>,
    next: Next,
    { started, span }: { started: number; span: OpenSpan | undefined },
  ): Promise<void> {
    await next();
    const elapsed = performance.now() - started;
    // Not by the context, which would make the whole answer anew for each.
    const { headers } = c.res;
    headers.set("X-Request-ID", c.get("requestId"));
    headers.set("X-Response-Time", `${elapsed.toFixed(1)}ms`);
    // Where no route matched, the last one is a middleware's pattern.
    const last = routePath(c, -1);
    const route = last.includes("*") ? "none" : last;
    deps.meters.request({
      method: c.req.method,
      route,
      status: c.res.status,
      code: c.get("problemCode") ?? "",
      listener: c.env.listener,
      seconds: elapsed / 1000,
    });
    const limitedBy = c.get("limitedBy");
    if (limitedBy) deps.meters.limited(limitedBy);
    if (c.get("auditFailed")) deps.meters.auditFailure();
    span?.end(spanOf(c, route));
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

/** What a collector is told of a request: what it was for and how it ended. The log has the rest, by the same ids. */
function spanOf(c: Context<AppEnv>, route: string) {
  const method = methodLabel(c.req.method);
  const [code, tenantId] = [c.get("problemCode"), c.get("tenantId")];
  return {
    name: `${method} ${route}`,
    failed: c.res.status >= 500,
    attributes: {
      "http.request.method": method,
      "http.route": route,
      "http.response.status_code": c.res.status,
      "massacorp.listener": c.env.listener,
      "massacorp.request_id": c.get("requestId"),
      ...(code ? { "error.type": code } : {}),
      ...(tenantId === undefined ? {} : { "massacorp.tenant_id": tenantId }),
    },
  };
}

/**
 * What goes on after the answer knows who asked, and holds nothing else of the request: whatever hangs on an
 * asynchronous context outlives the next collection of garbage, and then counts as old. Made here, since a function
 * holds all that stands around it.
 */
function always(known: LogFields): () => LogFields {
  return () => known;
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
