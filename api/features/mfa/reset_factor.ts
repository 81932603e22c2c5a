import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, numericId, refusals, type Router } from "../../openapi.ts";
import { refuseBeyondOwn } from "../roles/mod.ts";
import { endSessions, holdCaller } from "../sessions/mod.ts";
import { alertOwner } from "./alert_owner.ts";
import { liftLocks } from "./attempts_store.ts";
import { deleteFactor, readSubject } from "./store.ts";

/** `POST /users/{id}/mfa/reset`, mounted there. */
export function resetFactor(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/mfa/reset",
    operationId: "resetFactor",
    summary: "Take away the second factor of somebody who lost it",
    description:
      "Never one's own, and of nobody who may do more than oneself. Ends all of the user's sessions and the trust in his devices, lifts locks, and tells him by mail, with the reason.",
    ...access(deps, "users.security", { stepUp: true }),
    request: {
      params: z.object({ id: numericId }),
      ...jsonRequest(z.strictObject({
        reason: z.string().regex(/^[^\p{Cc}]{1,300}$/u, "must have 1 to 300 printable characters")
          .openapi({ example: "Phone lost, called back on the number that we have" }),
      })),
    },
    responses: {
      200: jsonResponse(
        z.object({ reset: z.literal(true), sessions_ended: z.int() }),
        "There is none any more",
      ),
      ...refusals("grant_exceeds_own", "mfa_not_enabled"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { reason } = c.req.valid("json");
    const tenantId = tenantOf(c);
    const principal = c.get("principal");
    const ended = await deps.tenancy.transaction(tenantId, async (sql) => {
      const at = new Date(deps.clock.now());
      const subject = await readSubject(sql, { userId: id, at });
      if (!subject) throw new ApiError("not_found");
      if (principal?.kind === "user" && principal.userId === id) {
        throw new ApiError("forbidden", {
          detail: "one's own second factor is taken away by /mfa/disable, or by somebody else",
        });
      }
      refuseBeyondOwn(principal, subject.permissions);
      // Before the factor: whoever tries a code locks them in this order.
      await liftLocks(sql, id);
      if (!await deleteFactor(sql, id)) throw new ApiError("mfa_not_enabled");
      const ended = await endSessions(sql, { userId: id, reason: "mfa_reset", at });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "mfa.reset",
        outcome: "succeeded",
        target: { type: "user", id: String(id) },
        details: { reason, sessions_ended: ended },
      });
      const by = principal?.kind === "user" ? principal.email : null;
      await alertOwner(deps, c, sql, { tenantId, userId: id }, {
        template: "alert_mfa_reset",
        data: { reason, by, at: at.toISOString() },
      });
      await holdCaller(sql, principal);
      return ended;
    });
    return c.json({ reset: true as const, sessions_ended: ended }, 200);
  });
}
