import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, numericId, refusals, type Router } from "../../openapi.ts";
import { lockUser, refuseOverMightier } from "../roles/mod.ts";
import { endSessions } from "../sessions/mod.ts";

export function endUserSessions(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}/sessions",
    operationId: "endUserSessions",
    summary:
      "End every session of a user, the trust in his devices, and a mailed link for a new password",
    description:
      "For a device that is lost, or a password that somebody else may have: he logs in again, with his second factor where he has one. API keys and tunnels go on.",
    ...access(deps, "users.security"),
    request: { params: z.object({ id: numericId }) },
    responses: {
      200: jsonResponse(z.object({ sessions_ended: z.int() }), "How many ended"),
      ...refusals("grant_exceeds_own"),
    },
  });
  router.openapi(route, async (c) => {
    const { id: userId } = c.req.valid("param");
    const tenantId = tenantOf(c);
    const at = new Date(deps.clock.now());
    const ended = await deps.tenancy.transaction(tenantId, async (sql) => {
      if (!await lockUser(sql, userId)) throw new ApiError("not_found");
      await refuseOverMightier(sql, c.get("principal"), { userId, now: at });
      const ended = await endSessions(sql, { userId, reason: "revoked", at });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "session.end",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
        details: { reason: "revoked", sessions_ended: ended },
      });
      return ended;
    });
    return c.json({ sessions_ended: ended }, 200);
  });
}
