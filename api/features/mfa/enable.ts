import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { newRecoveryCodes, readRecoveryCode } from "../../auth/recovery_codes.ts";
import { findTotpStep } from "../../auth/totp.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { whenAndWhere } from "../../mail/mod.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { lockUser } from "../roles/mod.ts";
import { endSessions, firstTokens, openSession, tokenPair } from "../sessions/mod.ts";
import { alertOwner } from "./alert_owner.ts";
import { admitAttempt, attemptOf, refusal, settleAttempt } from "./check_code.ts";
import { enrollingOf, enrolmentAccess } from "./enrolment.ts";
import { openFactor } from "./open_factor.ts";
import { claimPendingLogin, refuseClaim } from "./pending_login.ts";
import { recoveryCodes, totpCode } from "./schemas.ts";
import {
  deletePendingFactor,
  factorRow,
  lockPendingFactor,
  pendingRow,
  putFactor,
  replaceRecoveryCodes,
  stepUp,
} from "./store.ts";

/** How long a secret that was shown waits for its first code. */
export const pendingFactorMs = 15 * 60_000;

const answer = z.object({ recovery_codes: recoveryCodes })
  .extend(tokenPair.partial().shape).openapi("MfaEnabled");

export function enable(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/enable",
    operationId: "enableFactor",
    summary: "Put the second factor in place, by its first code",
    description:
      "The code is used up by this. All other sessions of the user end, and trust in devices. With an `mfa_setup_token` it completes the log-in, and answers its tokens as well.",
    ...enrolmentAccess(deps),
    request: jsonRequest(z.strictObject({ code: totpCode })),
    responses: {
      200: jsonResponse(answer, "Recovery codes; tokens, where this completed a log-in"),
      ...refusals("invalid_credentials", "mfa_not_set_up", "factor_unreadable"),
    },
  });
  router.openapi(route, async (c) => {
    const who = enrollingOf(c);
    const { tenantId, userId, sessionId, pending } = who;
    const { code } = c.req.valid("json");
    const codes = newRecoveryCodes();
    const done = await deps.tenancy.transaction(tenantId, async (sql) => {
      const now = deps.clock.now();
      const at = new Date(now);
      // A log-in that saw no factor is committed before this, and ended by it, or sees this one.
      if (!pending) await lockUser(sql, userId);
      const claim = pending && await claimPendingLogin(deps, c, sql, pending);
      if (pending && typeof claim === "string") return { refused: claim, login: pending };
      const attempt = attemptOf(c, who, "totp");
      const admitted = await admitAttempt(deps, sql, attempt);
      if (!admitted.passed) return { failed: admitted };
      const startedAfter = new Date(now - pendingFactorMs);
      const waiting = await lockPendingFactor(sql, { userId, startedAfter });
      if (!waiting) throw new ApiError("mfa_not_set_up");
      const secret = await openFactor(deps.mfa.secrets, waiting, pendingRow(who));
      const step = findTotpStep(secret, code.text, now);
      const settled = await settleAttempt(deps, c, sql, { attempt, passed: step !== undefined });
      if (!settled.passed) return { failed: settled };
      if (step === undefined) throw new TypeError("an attempt that passed without a code");

      await deletePendingFactor(sql, userId);
      const sealed = await deps.mfa.secrets.seal(secret, factorRow(who));
      await putFactor(sql, { ...who, ...sealed, at, step });
      await giveRecoveryCodes(deps, sql, who, codes);
      const ended = await endSessions(sql, {
        userId,
        reason: "mfa_changed",
        at,
        ...(sessionId === null ? {} : { except: sessionId }),
      });
      if (sessionId !== null && !await stepUp(sql, { sessionId, userId, at })) {
        throw new ApiError("invalid_token");
      }
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c, userId),
        action: "mfa.enable",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
        details: { sessions_ended: ended, completed_log_in: pending !== null },
      });
      await alertOwner(deps, c, sql, who, {
        template: "alert_mfa_enabled",
        data: whenAndWhere(deps, c),
      });
      if (!claim || typeof claim === "string") return { session: null };
      return {
        session: await openSession(deps, c, sql, {
          tenantId,
          userId,
          email: claim.email,
          deviceName: claim.device_name,
          steppedUp: true,
        }),
      };
    });
    if (done.refused) return await refuseClaim(deps, c, done.refused, done.login);
    if (done.failed) throw refusal(done.failed);
    const tokens = done.session ? await firstTokens(deps, done.session) : {};
    return c.json({ recovery_codes: codes, ...tokens }, 200);
  });
}

/** Puts new recovery codes in the place of all that there were. */
export async function giveRecoveryCodes(
  { mfa }: Pick<Deps, "mfa">,
  sql: TenantSql,
  who: { tenantId: TenantId; userId: number },
  codes: readonly string[],
): Promise<void> {
  const digests = await Promise.all(
    codes.map((code) => mfa.codes.digest(readRecoveryCode(code) ?? code, who)),
  );
  await replaceRecoveryCodes(sql, who, digests);
}
