import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, userOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { session, sessionPath, view } from "./schemas.ts";
import { listSessions, readSession } from "./store.ts";

export function getSessions(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listSessions",
    summary: "One's own sessions, newest first",
    ...access(deps, null),
    request: {
      query: pageQuery(z.uuid()).extend({
        include_inactive: z.enum(["true", "false"]).default("false"),
      }),
    },
    responses: {
      200: jsonResponse(pageOf(session), "A page of sessions"),
    },
  });
  router.openapi(route, async (c) => {
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
      page(rows, {
        limit,
        view: (row) => view(row, { current: user.sessionId, now: deps.clock.now() }),
        cursor: ({ id }) => id,
      }),
      200,
    );
  });
}

export function getSession(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/{id}",
    operationId: "getSession",
    summary: "One of one's own sessions",
    ...access(deps, null),
    request: { params: sessionPath },
    responses: { 200: jsonResponse(session, "The session") },
  });
  router.openapi(route, async (c) => {
    const user = userOf(c);
    const row = await deps.tenancy.transaction(user.tenantId, (sql) =>
      readSession(sql, {
        userId: user.userId,
        id: c.req.valid("param").id,
        now: new Date(deps.clock.now()),
      }));
    if (!row) throw new ApiError("not_found");
    return c.json(view(row, { current: user.sessionId, now: deps.clock.now() }), 200);
  });
}
