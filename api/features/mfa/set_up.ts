import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { base32, newTotpSecret, otpauthUri } from "../../auth/totp.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { qrSvg } from "../peers/mod.ts";
import { enrollingOf, enrolmentAccess } from "./enrolment.ts";
import { claimPendingLogin, refuseClaim } from "./pending_login.ts";
import { pendingRow, putPendingFactor, readOwner } from "./store.ts";

const answer = z.object({
  secret: z.string().openapi({ description: "Base32, for typing; shown this once" }),
  otpauth_uri: z.string().openapi({ description: "What the QR code says" }),
  qr_svg: z.string(),
}).openapi("MfaSetup");

export function setUp(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/setup",
    operationId: "setUpFactor",
    summary: "Begin to set up a second factor, the first one or another in its place",
    description:
      "Takes an access token with a fresh step-up, or the `mfa_setup_token` of a log-in. Until `/mfa/enable` the new secret protects nothing, and one that is in place stays so. It ends after 15 minutes, or with the next call.",
    ...enrolmentAccess(deps, { stepUp: true }),
    responses: {
      200: jsonResponse(answer, "The secret, for an authenticator app"),
    },
  });
  router.openapi(route, async (c) => {
    const who = enrollingOf(c);
    const { tenantId, userId, pending } = who;
    const secret = newTotpSecret();
    const sealed = await deps.mfa.secrets.seal(secret, pendingRow(who));
    const made = await deps.tenancy.transaction(tenantId, async (sql) => {
      if (pending) {
        const claim = await claimPendingLogin(deps, c, sql, pending);
        if (typeof claim === "string") return { refused: claim, login: pending };
      }
      const owner = await readOwner(sql, userId);
      if (!owner) throw new ApiError("invalid_token");
      await putPendingFactor(sql, { ...who, ...sealed, at: new Date(deps.clock.now()) });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c, userId),
        action: "mfa.setup",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
      });
      return { owner };
    });
    if (made.refused) return await refuseClaim(deps, c, made.refused, made.login);
    const { email, tenant_slug } = made.owner;
    const uri = otpauthUri(secret, { tenantSlug: tenant_slug, email });
    return c.json({ secret: base32(secret), otpauth_uri: uri, qr_svg: qrSvg(uri) }, 200);
  });
}
