import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { broughtToken } from "../../auth/one_time_token.ts";
import { takeOneTimeToken } from "../../auth/one_time_token_store.ts";
import { readPasswordRules } from "../../auth/password_rules.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { queueAlert, whenAndWhere } from "../../mail/mod.ts";
import { limitedAccess } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, namesTenant, refusals, type Router } from "../../openapi.ts";
import { liftLoginLocks } from "../auth/mod.ts";
import { endSessions } from "../sessions/mod.ts";
import { findBearer } from "./bearer.ts";
import { setPassword } from "./store.ts";

export function confirmReset(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/confirm",
    operationId: "confirmPasswordReset",
    summary: "Set a new password with a token that was mailed",
    description:
      "Ends every session of the user and uses the token up. It logs nobody in: a second factor is asked for as ever.",
    ...limitedAccess(deps, "login"),
    ...namesTenant,
    request: jsonRequest(
      z.strictObject({ token: broughtToken, new_password: z.string().min(1).max(1024) }),
    ),
    responses: {
      200: jsonResponse(z.object({ sessions_ended: z.int() }), "How many sessions ended"),
      ...refusals("not_found"),
    },
  });
  router.openapi(route, async (c) => {
    const { token, new_password } = c.req.valid("json");
    const purpose = "password_reset";
    const bearer = await findBearer(deps, c, { token, purpose });
    if (!bearer) throw new ApiError("not_found");
    const { tenantId, digest, owner } = bearer;
    const userId = owner.user_id;
    const rules = await deps.tenancy.transaction(tenantId, readPasswordRules);
    await deps.passwords.check(rules, new_password, {
      path: "new_password",
      personal: [owner.email, owner.name],
    });
    const passwordHash = await deps.hasher.hash(new_password, tenantId);
    const identifier = await deps.identifierDigest(owner.email);
    const at = new Date(deps.clock.now());
    const ended = await deps.tenancy.transaction(tenantId, async (sql) => {
      // The user before the token, as everybody who ends what he is known by has it.
      const set = await setPassword(sql, { id: userId, email: owner.email, passwordHash, at });
      if (!set || !await takeOneTimeToken(sql, { purpose, digest, now: at })) {
        throw new ApiError("not_found");
      }
      const ended = await endSessions(sql, { userId, reason: "password_changed", at });
      // Whoever forgot his password has mostly locked himself out just before.
      await liftLoginLocks(sql, { tenantId, digest: identifier, at });
      await queueAlert(deps, sql, {
        ...{ tenantId, userId, source: auditSource(c, userId) },
        to: owner.email,
        locale: owner.locale,
        template: "alert_password_changed",
        data: whenAndWhere(deps, c),
      });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c, userId),
        action: "password_reset.confirm",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
        details: { sessions_ended: ended },
      });
      return ended;
    });
    return c.json({ sessions_ended: ended }, 200);
  });
}
