import type { Context } from "hono";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import {
  type AttemptKind,
  isLocked,
  judge,
  stillCounting,
  waitForAttempt,
} from "../../auth/attempt_policy.ts";
import { findTotpStep } from "../../auth/totp.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { whenAndWhere } from "../../mail/mod.ts";
import { type AlertDeps, alertOwner } from "./alert_owner.ts";
import {
  type Attempt,
  lockSourceAttempts,
  lockUserAttempts,
  writeJudged,
  writeRecent,
} from "./attempts_store.ts";
import type { Code } from "./schemas.ts";
import { openFactor } from "./open_factor.ts";
import { countRecoveryCodes, factorRow, readFactor, useRecoveryCode, useStep } from "./store.ts";

export type CheckDeps = AlertDeps & Pick<Deps, "mfa">;

interface User {
  tenantId: TenantId;
  userId: number;
}

/** An attempt that did not pass. It is committed as that, and then thrown: {@link refusal}. */
export interface Refused {
  passed: false;
  /** Milliseconds to wait, where it was not even looked at. */
  waitMs: number;
}

export type Checked = { passed: true } | Refused;

/** The same answer for a code that is wrong, was used, or comes while the factor is locked. */
export function refusal({ waitMs }: Refused): ApiError {
  return waitMs > 0
    ? new ApiError("rate_limited", { retryAfter: Math.ceil(waitMs / 1000) })
    : new ApiError("invalid_credentials");
}

/** What an attempt is counted against: A5 keeps others off the way through the user's own peers. */
export function attemptOf(c: Context<AppEnv>, user: User, kind: AttemptKind): Attempt {
  const peer = c.get("peer");
  return {
    ...user,
    kind,
    way: peer?.tenantId === user.tenantId && peer.userId === user.userId ? "own" : "other",
    source: c.env.listener === "operator"
      ? null
      : peer?.peerId ?? `${c.env.listener}/${c.env.address}`,
  };
}

/**
 * Counts an attempt before it is looked at, in a transaction that is to commit whatever comes of it. From here to
 * its commit, attempts for the same user take turns.
 */
export async function admitAttempt(
  { clock }: Pick<Deps, "clock">,
  sql: TenantSql,
  attempt: Attempt,
): Promise<Checked> {
  const now = clock.now();
  const { kind } = attempt;
  const user = await lockUserAttempts(sql, attempt);
  const ofSource = await lockSourceAttempts(sql, attempt, new Date(now));
  const waitMs = Math.max(
    waitForAttempt(user.recent, { kind, now }),
    waitForAttempt(ofSource, { kind, now }),
  );
  if (waitMs > 0) return { passed: false, waitMs };
  await writeRecent(sql, attempt, {
    ofUser: [...stillCounting(user.recent, now), now],
    ofSource: [...stillCounting(ofSource, now), now],
    at: new Date(now),
  });
  // While locked nothing is looked at, so nothing can be learnt; it still counts as an attempt.
  return isLocked(user, now) ? { passed: false, waitMs: 0 } : { passed: true };
}

/** Records what came of an attempt that was admitted; a failure that locks is logged, audited and told the owner. */
export async function settleAttempt(
  deps: AlertDeps,
  c: Context<AppEnv>,
  sql: TenantSql,
  { attempt, passed }: { attempt: Attempt; passed: boolean },
): Promise<Checked> {
  const now = deps.clock.now();
  const judged = judge(await lockUserAttempts(sql, attempt), { passed, now });
  await writeJudged(sql, attempt, judged);
  if (passed) return { passed: true };
  const user = { tenantId: attempt.tenantId, userId: attempt.userId };
  const entry = {
    tenantId: user.tenantId,
    source: auditSource(c),
    target: { type: "user", id: String(user.userId) },
  };
  const { kind, way } = attempt;
  await writeAudit(sql, {
    ...entry,
    action: "mfa.verify",
    outcome: "refused",
    details: { kind, way, failures: judged.failures },
  });
  if (judged.locks) {
    const until = new Date(judged.lockedUntil ?? now).toISOString();
    c.get("log").warn("a second factor is locked", { ...user, kind, way, until });
    await writeAudit(sql, {
      ...entry,
      action: "mfa.lock",
      outcome: "succeeded",
      details: { kind, way, until },
    });
    await alertOwner(deps, c, sql, user, { template: "alert_locked", data: whenAndWhere(deps, c) });
  }
  return { passed: false, waitMs: 0 };
}

/**
 * Takes a code for the user's second factor, once. The caller commits whatever it answers.
 * @param options.and what must hold besides for the code to be used up
 */
export async function checkCode(
  deps: CheckDeps,
  c: Context<AppEnv>,
  sql: TenantSql,
  shown: { user: User; code: Code; and?: boolean },
): Promise<Checked> {
  const { user, code } = shown;
  const attempt = attemptOf(c, user, code.kind);
  const admitted = await admitAttempt(deps, sql, attempt);
  if (!admitted.passed) return admitted;
  const passed = shown.and !== false && await useCode(deps, sql, user, code);
  const checked = await settleAttempt(deps, c, sql, { attempt, passed });
  if (passed && code.kind === "recovery") {
    const left = await countRecoveryCodes(sql, user.userId);
    await alertOwner(deps, c, sql, user, { template: "alert_recovery_code_used", data: { left } });
  }
  return checked;
}

async function useCode(
  { mfa, clock }: Pick<Deps, "mfa" | "clock">,
  sql: TenantSql,
  user: User,
  code: Code,
): Promise<boolean> {
  const now = clock.now();
  if (code.kind === "recovery") {
    const candidates = await mfa.codes.candidates(code.text, user);
    return await useRecoveryCode(sql, { userId: user.userId, candidates, at: new Date(now) });
  }
  const sealed = await readFactor(sql, user.userId);
  if (!sealed) return false;
  const secret = await openFactor(mfa.secrets, sealed, factorRow(user));
  const step = findTotpStep(secret, code.text, now);
  return step !== undefined && await useStep(sql, { userId: user.userId, step });
}
