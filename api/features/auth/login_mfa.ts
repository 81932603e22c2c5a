import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import { fitsTunnel, refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { jsonRequest, jsonResponse, namesTenant, refusals, type Router } from "../../openapi.ts";
import {
  anyCode,
  checkCode,
  type CheckDeps,
  claimPendingLogin,
  completePendingLogin,
  type PendingLogin,
  refusal,
  refuseClaim,
  trustDevice,
} from "../mfa/mod.ts";
import { firstTokens, openSession, type SessionDeps, tokenPair } from "../sessions/mod.ts";

type LoginMfaDeps = SessionDeps & CheckDeps & Pick<Deps, "tenancy" | "lookups" | "limits">;

const answer = tokenPair.extend({
  trusted_device: z.string().exactOptional().openapi({
    description:
      "For `trusted_device` of later log-ins through the same peer, for 30 days; only where it was asked for and the tenant lets devices be trusted",
  }),
}).openapi("CompletedLogin");

export function loginMfa(router: Router, deps: LoginMfaDeps): void {
  const route = createRoute({
    method: "post",
    path: "/login/mfa",
    operationId: "completeLogin",
    summary: "Complete a log-in by a code",
    description:
      "The app's code or a recovery code, through the very peer that the log-in began on, within five minutes of it.",
    ...limitedAccess(deps, "anonymous"),
    ...namesTenant,
    request: jsonRequest(z.strictObject({
      mfa_session_token: z.string().min(1).max(4096),
      code: anyCode,
      trust_device: z.boolean().default(false),
    })),
    responses: {
      200: jsonResponse(answer, "The tokens of a new session"),
      ...refusals("invalid_token", "invalid_credentials", "factor_unreadable"),
    },
  });
  router.openapi(route, async (c) => {
    const { mfa_session_token, code, trust_device } = c.req.valid("json");
    const named = await namedTenant(deps, c);
    const token = await deps.tokens.verifyPending("mfa_session", mfa_session_token);
    if (!fitsTunnel(c.get("peer"), { ...token, ownPeerOnly: false })) {
      await refuseTunnel(deps, c, { ...token, reason: "log-in of another owner" });
    }
    // Another tenant's name is exactly an unknown one (N3).
    if (token.tenantId !== named) throw new ApiError("invalid_token");
    const login: PendingLogin = { ...token, kind: "mfa_session" };
    const { tenantId, userId } = login;
    const done = await deps.tenancy.transaction(tenantId, async (sql) => {
      const claim = await claimPendingLogin(deps, c, sql, login);
      if (typeof claim === "string") return { refused: claim };
      const checked = await checkCode(deps, c, sql, { user: login, code });
      if (!checked.passed) return { failed: checked };
      await completePendingLogin(deps, sql, login);
      const who = { tenantId, userId, deviceName: claim.device_name };
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c, userId),
        action: "auth.login_mfa",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
        details: { by: code.kind },
      });
      const trusted = trust_device && claim.trust_allowed
        ? { trusted_device: await trustDevice(deps, c, sql, who) }
        : {};
      const session = await openSession(deps, c, sql, {
        ...who,
        email: claim.email,
        steppedUp: true,
      });
      return { session, trusted };
    });
    if (done.refused) return await refuseClaim(deps, c, done.refused, login);
    if (done.failed) throw refusal(done.failed);
    return c.json({ ...await firstTokens(deps, done.session), ...done.trusted }, 200);
  });
}
