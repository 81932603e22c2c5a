import { Hono, type HonoRequest } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { routePath } from "hono/route";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { validator } from "hono/validator";
import { z } from "zod";
import { errorFields, type LogFields, type Logger } from "../lib/log.ts";
import { type OpenSpan, openSpan } from "../lib/spans.ts";
import { acceptableRequestId, continueTrace } from "../lib/trace.ts";
import type { DaemonView } from "./daemon.ts";
import {
  peersQuery,
  type ReconcileRequest,
  reconcileRequest,
  type ReconcileResult,
} from "./protocol.ts";

/** A thousand ids are 40 kB. */
const maxBodyBytes = 64 * 1024;

interface Problem {
  code: string;
  detail: string;
}

const problems: { [status: number]: string } = {
  400: "malformed",
  404: "not_found",
  413: "too_large",
  415: "unsupported_media_type",
  503: "not_ready",
};

/** The app of the daemon's socket. It takes no keys, no addresses and no commands but "look again". */
export function createApp(daemon: DaemonView, log: Logger) {
  const app = new Hono();
  app.use(async (c, next) => {
    const started = performance.now();
    const span = spanFor(c.req);
    await next();
    span?.end({
      name: `${c.req.method} ${routePath(c, -1)}`,
      failed: c.res.status >= 500,
      attributes: { "http.response.status_code": c.res.status },
    });
    // Looks are many, and change nothing. A pass itself serves whoever waits for it, so its lines name nobody.
    log[c.req.method === "GET" ? "debug" : "info"]("request", {
      ...idsOf(c.req),
      method: c.req.method.slice(0, 20),
      path: c.req.path.slice(0, 100),
      status: c.res.status,
      duration_ms: Math.round((performance.now() - started) * 10) / 10,
    });
  });
  app.use(bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new HTTPException(413, { message: `the body is larger than ${maxBodyBytes} bytes` });
    },
  }));
  app.notFound((c) => c.json<Problem>({ code: "not_found", detail: "there is no such path" }, 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException) {
      const status: ContentfulStatusCode = error.status;
      return c.json<Problem>(
        { code: problems[status] ?? "refused", detail: error.message },
        status,
      );
    }
    log.error("a request failed", {
      ...idsOf(c.req),
      path: c.req.path.slice(0, 100),
      ...errorFields(error),
    });
    return c.json<Problem>({ code: "internal", detail: "the daemon failed; see its log" }, 500);
  });
  return mountRoutes(app, daemon);
}

function mountRoutes(app: Hono, daemon: DaemonView) {
  const routes = app
    .get("/v1/status", (c) => c.json(daemon.status()))
    .get(
      "/v1/peers",
      validator("query", (value: unknown, c): z.input<typeof peersQuery> | Response => {
        const parsed = peersQuery.safeParse(value);
        if (parsed.success) return parsed.data;
        return c.json<Problem>({ code: "invalid", detail: z.prettifyError(parsed.error) }, 422);
      }),
      (c) => {
        const peers = daemon.peers(c.req.valid("query").peer_id);
        if (!peers) throw notReady();
        return c.json({ peers });
      },
    )
    .get(
      "/v1/metrics",
      (c) =>
        c.text(daemon.metrics(), 200, {
          "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
        }),
    )
    .post(
      "/v1/reconcile",
      async (c, next) => {
        if (!/^application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
          throw new HTTPException(415, { message: "the body must be application/json" });
        }
        await next();
      },
      validator("json", (value: unknown, c): ReconcileRequest | Response => {
        const parsed = reconcileRequest.safeParse(value);
        if (parsed.success) return parsed.data;
        const detail = z.prettifyError(parsed.error);
        return c.json<Problem>({ code: "invalid", detail }, 422);
      }),
      async (c) => {
        const { peer_ids, wait } = c.req.valid("json");
        const answer = daemon.reconcile(peer_ids ?? "all");
        if (!answer) throw notReady();
        if (wait) return c.json<ReconcileResult>(await answer);
        // Its outcome stands in status and log.
        answer.catch(() => {});
        return c.json<ReconcileResult>({ applied: [], removed: [], absent: [], failed: [] }, 202);
      },
    );
  return routes;
}

/** What the API logs its request under; only what is safe to log is taken. */
function idsOf(request: HonoRequest): LogFields {
  const requestId = request.header("x-request-id") ?? "";
  if (!acceptableRequestId.test(requestId)) return {};
  return { request_id: requestId, trace_id: continueTrace(request.header("traceparent")).traceId };
}

/** Of what a process of ours asks as part of a request; what others ask belongs to none. */
function spanFor(request: HonoRequest): OpenSpan | undefined {
  const { traceId, parentId } = continueTrace(request.header("traceparent"));
  if (parentId === undefined) return;
  return openSpan({ name: "request", kind: "server" }, { traceId, spanId: parentId });
}

function notReady(): HTTPException {
  return new HTTPException(503, {
    message: "the interface is not up yet; see the daemon's status",
  });
}

/** The type from which the client knows every path, body and answer. */
export type WgdApp = ReturnType<typeof mountRoutes>;
