import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, userOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { sessionPath } from "./schemas.ts";
import { endSessions, readSession } from "./store.ts";

const ended = jsonResponse(z.object({ sessions_ended: z.int() }), "What ended");

export function endSession(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}",
    operationId: "endSession",
    summary: "End one of one's own sessions",
    ...access(deps, null),
    request: { params: sessionPath },
    responses: { 200: ended },
  });
  router.openapi(route, async (c) => {
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
}

export function endOwnSessions(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/",
    operationId: "endSessions",
    summary: "End all of one's own sessions, or all others",
    ...access(deps, null),
    request: { query: z.object({ except_current: z.enum(["true", "false"]).default("false") }) },
    responses: { 200: ended },
  });
  router.openapi(route, async (c) => {
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
}
