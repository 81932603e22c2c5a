import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { broughtToken, digestOneTimeToken, oneTimeToken } from "../../auth/one_time_token.ts";
import { takeOneTimeToken } from "../../auth/one_time_token_store.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import { refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { jsonRequest, jsonResponse, namesTenant, refusals, type Router } from "../../openapi.ts";
import { findBearer, requestToken, setVerified } from "../password_reset/mod.ts";
import { applyNow } from "../peers/mod.ts";
import { findRole, insertUserRole } from "../roles/mod.ts";
import { insertUser, spendInvitation } from "../users/mod.ts";
import { takeRegistration } from "./store.ts";

export function verifyEmail(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/verify-email",
    operationId: "verifyEmail",
    summary: "Prove an address, or confirm a registration, with a token that was mailed",
    description:
      "A token that is unknown, used, replaced or too old is 404 alike, and so is a registration that the tenant would not take by now. An invitation of the address is spent by it, its enrolment peer with it.",
    ...limitedAccess(deps, "login"),
    ...namesTenant,
    request: jsonRequest(z.strictObject({ token: broughtToken })),
    responses: {
      200: jsonResponse(
        z.object({ email: z.string(), registered: z.boolean() }),
        "The proven address; registered says whether its user was made by this",
      ),
      ...refusals("not_found", "email_taken"),
    },
  });
  router.openapi(route, async (c) => {
    const { token } = c.req.valid("json");
    return c.json(await verifyUser(deps, c, token) ?? await confirm(deps, c, token), 200);
  });
}

/** @returns undefined where it is no token of a user */
async function verifyUser(deps: Deps, c: Context<AppEnv>, token: string) {
  const purpose = "verify_email";
  const bearer = await findBearer(deps, c, { token, purpose });
  if (!bearer) return undefined;
  const { tenantId, digest, owner } = bearer;
  const at = new Date(deps.clock.now());
  await deps.tenancy.transaction(tenantId, async (sql) => {
    const set = await setVerified(sql, { id: owner.user_id, email: owner.email, at });
    if (!set || !await takeOneTimeToken(sql, { purpose, digest, now: at })) {
      throw new ApiError("not_found");
    }
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c, owner.user_id),
      action: "user.verify_email",
      outcome: "succeeded",
      target: { type: "user", id: String(owner.user_id) },
    });
  });
  return { email: owner.email, registered: false };
}

/** Makes the user of a registration, with the password that came with it. */
async function confirm(deps: Deps, c: Context<AppEnv>, token: string) {
  const tenantId = await namedTenant(deps, c);
  if (tenantId === undefined || !oneTimeToken.safeParse(token).success) {
    throw new ApiError("not_found");
  }
  const digest = await digestOneTimeToken(token);
  if (typeof c.get("peer")?.userId === "number") {
    await refuseTunnel(deps, c, { tenantId, reason: "verification through another user's peer" });
  }
  const at = new Date(deps.clock.now());
  const { email, peer } = await deps.tenancy.transaction(tenantId, async (sql) => {
    const registration = await takeRegistration(sql, { digest, now: at });
    if (!registration) throw new ApiError("not_found");
    const { password_hash: passwordHash, rule, ...asked } = registration;
    const via = c.get("peer")?.peerId;
    const invitation = await spendInvitation(sql, { email: asked.email, now: at, via });
    // What was enough when it was asked for may have been withdrawn since.
    if (rule === "invite" && !invitation?.good) throw new ApiError("not_found");
    const user = { tenantId, ...asked, passwordHash, emailVerifiedAt: at };
    const userId = await insertUser(sql, user);
    const role = await findRole(sql, "user");
    if (!role) throw new Error("a tenant without the role user");
    await insertUserRole(sql, { tenantId, userId, roleId: role.id, by: null });
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c, userId),
      action: "user.register",
      outcome: "succeeded",
      target: { type: "user", id: String(userId) },
      details: { email: asked.email, role: "user", invitation_id: invitation?.id ?? null },
    });
    return { email: asked.email, peer: invitation?.peer ?? null };
  });
  if (peer !== null) await applyNow(deps, c, [peer]);
  return { email, registered: true };
}

export function resendVerification(router: Router, deps: Deps): void {
  requestToken(router, deps, {
    path: "/verify-email/resend",
    operationId: "resendVerification",
    summary: "Have the link that proves one's address sent again",
    description: "Answered alike, and at one time, whether there is anything to prove or not.",
    purpose: "verify_email",
    action: "user.resend_verification",
  });
}
