import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { takeOneTimeToken } from "../../auth/one_time_token_store.ts";
import { readPasswordRules } from "../../auth/password_rules.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { queueAlert } from "../../mail/mod.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import {
  createRouter,
  jsonRequest,
  jsonResponse,
  namesTenant,
  refusals,
  type Router,
  timestamp,
} from "../../openapi.ts";
import { liftLoginLocks } from "../auth/mod.ts";
import { endSessions } from "../sessions/mod.ts";
import { email } from "../users/mod.ts";
import { findBearer } from "./bearer.ts";
import { sendToken } from "./send_token.ts";
import { setPassword } from "./store.ts";

export { findBearer } from "./bearer.ts";
export { askToVerify, sendToken } from "./send_token.ts";
export { setVerified, standInForMail } from "./store.ts";

const token = z.string().min(1).max(200);

/** `/api/v1/password-reset` */
export function passwordResetFeature(deps: Deps): Router {
  const router = createRouter();
  const request = createRoute({
    method: "post",
    path: "/request",
    operationId: "requestPasswordReset",
    summary: "Have a link for a new password sent to one's address",
    description:
      "Answered alike, and at one time, whether there is such a user or not. The link is good for 30 minutes; asking again by the same way (a peer of the user's own, or any other) voids the one before.",
    ...limitedAccess(deps, "login"),
    ...namesTenant,
    request: jsonRequest(z.strictObject({ email })),
    responses: {
      202: jsonResponse(z.object({ accepted: z.literal(true) }), "Asked for"),
    },
  });
  router.openapi(request, async (c) => {
    const { email } = c.req.valid("json");
    const tenantId = await namedTenant(deps, c);
    const asked = { tenantId, email, purpose: "password_reset" } as const;
    await sendToken(deps, c, { ...asked, action: "password_reset.request" });
    return c.json({ accepted: true as const }, 202);
  });

  const validate = createRoute({
    method: "get",
    path: "/validate/{token}",
    operationId: "validatePasswordReset",
    summary: "Whether a link for a new password is good; it stays so",
    ...limitedAccess(deps, "anonymous"),
    ...namesTenant,
    request: { params: z.object({ token }) },
    responses: {
      200: jsonResponse(z.object({ valid: z.literal(true), expires_at: timestamp }), "It is"),
    },
  });
  router.openapi(validate, async (c) => {
    const bearer = await findBearer(deps, c, {
      token: c.req.valid("param").token,
      purpose: "password_reset",
    });
    if (!bearer) throw new ApiError("not_found");
    return c.json(
      { valid: true as const, expires_at: bearer.owner.expires_at.toISOString() },
      200,
    );
  });

  const confirm = createRoute({
    method: "post",
    path: "/confirm",
    operationId: "confirmPasswordReset",
    summary: "Set a new password with a token that was mailed",
    description:
      "Ends every session of the user and uses the token up. It logs nobody in: a second factor is asked for as ever.",
    ...limitedAccess(deps, "login"),
    ...namesTenant,
    request: jsonRequest(z.strictObject({ token, new_password: z.string().min(1).max(1024) })),
    responses: {
      200: jsonResponse(z.object({ sessions_ended: z.int() }), "How many sessions ended"),
      ...refusals("not_found"),
    },
  });
  router.openapi(confirm, async (c) => {
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
        data: { at: at.toISOString(), source: c.env.address },
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
  return router;
}
