import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, userOf } from "../../middleware/access.ts";
import { createRouter, jsonResponse, type Router, timestamp } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { revokeAll } from "./revoke_all.ts";
import { endSessions, listSessions, readSession, type SessionRow } from "./store.ts";

export { endAllSessions, type EndReason, endSessions } from "./store.ts";
export {
  firstTokens,
  type OpenedSession,
  openSession,
  type SessionDeps,
  tokenPair,
  withinServer,
} from "./open_session.ts";

const session = z.object({
  id: z.uuid(),
  current: z.boolean().openapi({ description: "The session of this very token" }),
  active: z.boolean(),
  device_name: z.string(),
  user_agent: z.string(),
  address: z.string().nullable(),
  peer_id: z.uuid().nullable().openapi({ description: "The peer it was opened through" }),
  created_at: timestamp,
  last_seen_at: timestamp.openapi({ description: "True to a minute" }),
  expires_at: timestamp.openapi({ description: "When it ends, unless it is refreshed before" }),
  ended_at: timestamp.nullable(),
  ended_reason: z.string().nullable(),
}).openapi("Session");

const id = z.object({ id: z.uuid() });

/** `/api/v1/sessions`: a user's own, and the operator's way to end them all. */
export function sessionsFeature(deps: Deps): Router {
  const router = createRouter();
  revokeAll(router, deps);
  const own = access(deps, null);
  const view = (row: SessionRow, current: string) => {
    const { created_at, last_seen_at, expires_at, ended_at, ...rest } = row;
    return {
      ...rest,
      current: row.id === current,
      active: ended_at === null && expires_at.getTime() > deps.clock.now(),
      created_at: created_at.toISOString(),
      last_seen_at: last_seen_at.toISOString(),
      expires_at: expires_at.toISOString(),
      ended_at: ended_at?.toISOString() ?? null,
    };
  };

  const list = createRoute({
    method: "get",
    path: "/",
    operationId: "listSessions",
    summary: "One's own sessions, newest first",
    ...own,
    request: {
      query: pageQuery(z.uuid()).extend({
        include_inactive: z.enum(["true", "false"]).default("false"),
      }),
    },
    responses: {
      200: jsonResponse(pageOf(session), "A page of sessions"),
    },
  });
  router.openapi(list, async (c) => {
    const user = userOf(c);
    const { limit, cursor, include_inactive } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(user.tenantId, (sql) =>
      listSessions(sql, {
        userId: user.userId,
        now: new Date(deps.clock.now()),
        inactive: include_inactive === "true",
        before: cursor ?? null,
        limit: limit + 1,
      }));
    return c.json(
      page(rows, { limit, view: (row) => view(row, user.sessionId), cursor: ({ id }) => id }),
      200,
    );
  });

  const get = createRoute({
    method: "get",
    path: "/{id}",
    operationId: "getSession",
    summary: "One of one's own sessions",
    ...own,
    request: { params: id },
    responses: { 200: jsonResponse(session, "The session") },
  });
  router.openapi(get, async (c) => {
    const user = userOf(c);
    const row = await deps.tenancy.transaction(user.tenantId, (sql) =>
      readSession(sql, {
        userId: user.userId,
        id: c.req.valid("param").id,
        now: new Date(deps.clock.now()),
      }));
    if (!row) throw new ApiError("not_found");
    return c.json(view(row, user.sessionId), 200);
  });

  const ended = jsonResponse(z.object({ sessions_ended: z.int() }), "What ended");

  const terminate = createRoute({
    method: "delete",
    path: "/{id}",
    operationId: "endSession",
    summary: "End one of one's own sessions",
    ...own,
    request: { params: id },
    responses: { 200: ended },
  });
  router.openapi(terminate, async (c) => {
    const user = userOf(c);
    const { id } = c.req.valid("param");
    const now = new Date(deps.clock.now());
    const count = await deps.tenancy.transaction(user.tenantId, async (sql) => {
      if (!await readSession(sql, { userId: user.userId, id, now })) {
        throw new ApiError("not_found");
      }
      const count = await endSessions(sql, {
        userId: user.userId,
        reason: "terminated",
        at: now,
        only: id,
      });
      await writeAudit(sql, {
        tenantId: user.tenantId,
        source: auditSource(c),
        action: "session.end",
        outcome: "succeeded",
        target: { type: "session", id },
        details: { reason: "terminated", sessions_ended: count },
      });
      return count;
    });
    return c.json({ sessions_ended: count }, 200);
  });

  const terminateAll = createRoute({
    method: "delete",
    path: "/",
    operationId: "endSessions",
    summary: "End all of one's own sessions, or all others",
    ...own,
    request: { query: z.object({ except_current: z.enum(["true", "false"]).default("false") }) },
    responses: { 200: ended },
  });
  router.openapi(terminateAll, async (c) => {
    const user = userOf(c);
    const others = c.req.valid("query").except_current === "true";
    const count = await deps.tenancy.transaction(user.tenantId, async (sql) => {
      const count = await endSessions(sql, {
        userId: user.userId,
        reason: "terminated",
        at: new Date(deps.clock.now()),
        ...(others ? { except: user.sessionId } : {}),
      });
      await writeAudit(sql, {
        tenantId: user.tenantId,
        source: auditSource(c),
        action: "session.end",
        outcome: "succeeded",
        target: { type: "user", id: String(user.userId) },
        details: { reason: "terminated", except_current: others, sessions_ended: count },
      });
      return count;
    });
    return c.json({ sessions_ended: count }, 200);
  });
  return router;
}
