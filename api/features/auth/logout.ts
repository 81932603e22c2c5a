import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { access, type AccessDeps, userOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { endSessions } from "../sessions/mod.ts";

const body = z.strictObject({
  all_sessions: z.boolean().default(false),
  except_current: z.boolean().default(false),
}).openapi({ description: "Without fields, the session of this token ends" });

type LogoutDeps = AccessDeps;

export function logout(router: Router, deps: LogoutDeps): void {
  const route = createRoute({
    method: "post",
    path: "/logout",
    operationId: "logout",
    summary: "End this session, all sessions, or all others",
    ...access(deps, null),
    request: { body: { content: { "application/json": { schema: body } } } },
    responses: {
      200: jsonResponse(z.object({ sessions_ended: z.int() }), "What ended"),
    },
  });
  router.openapi(route, async (c) => {
    const principal = userOf(c);
    const { all_sessions, except_current } = c.req.valid("json");
    const ended = await deps.tenancy.transaction(principal.tenantId, async (sql) => {
      const count = await endSessions(sql, {
        userId: principal.userId,
        reason: "logout",
        at: new Date(deps.clock.now()),
        ...(all_sessions ? {} : except_current ? {} : { only: principal.sessionId }),
        ...(except_current ? { except: principal.sessionId } : {}),
      });
      await writeAudit(sql, {
        tenantId: principal.tenantId,
        source: auditSource(c),
        action: "auth.logout",
        outcome: "succeeded",
        target: { type: "session", id: principal.sessionId },
        details: { all_sessions, except_current, sessions_ended: count },
      });
      return count;
    });
    return c.json({ sessions_ended: ended }, 200);
  });
}
