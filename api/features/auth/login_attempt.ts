import type { Context } from "hono";
import type { AuditAction } from "../../../lib/audit/actions.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import {
  delayAfter,
  delayAfterAnywhere,
  failuresUntilAlarm,
  failuresUntilLock,
  failuresUntilProof,
  lockWindowMs,
} from "../../auth/throttle.ts";
import type { AppEnv } from "../../context.ts";
import { noTenant, type TenantId, type TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { type Alarm, raiseAlarm } from "./attempt_alarm.ts";
import {
  type AttemptOutcome,
  everySource,
  type LoginAccount,
  readLoginFacts,
  recordAttempt,
  standIn,
  takeTurn,
} from "./attempt_store.ts";

export type AttemptDeps = Pick<
  Deps,
  "tenancy" | "clock" | "identifierDigest" | "failureCounters" | "challenge" | "letters"
>;

/** A log-in that was begun: what is known before the password is looked at. */
export interface Attempt {
  /** That of no tenant where the one that was named is unknown: the same statements then find and change nothing. */
  tenantId: TenantId;
  digest: Uint8Array;
  /** A lock binds the account and the way it came, so that nobody locks out somebody else (A5). */
  source: string;
  account: LoginAccount | null;
  /** Failures of this pair before this attempt, by whoever counted most. */
  failures: number;
  /** Those of the account from all sources together, as far as they concern this one. */
  failuresAnywhere: number;
  /** What both are counted by since the pair last succeeded or the account was unlocked. */
  counterKeys: [string, string];
  /** How long it has to wait for them. */
  delayMs: number;
}

/**
 * @throws {ApiError} `wrong_tunnel` before the password is looked at, so that it tells nothing about it;
 * `challenge_required` likewise, for accounts that do not exist as for those that do
 */
export async function startAttempt(
  deps: AttemptDeps,
  c: Context<AppEnv>,
  named: { tenantId: TenantId | undefined; email: string; proof: string | undefined },
): Promise<Attempt> {
  const tenantId = named.tenantId ?? noTenant;
  const peer = c.get("peer");
  const source = peer?.peerId ?? c.env.listener;
  const digest = await deps.identifierDigest(named.email);
  const since = new Date(deps.clock.now() - lockWindowMs);
  const [facts] = await deps.tenancy.ask((sql) =>
    readLoginFacts(sql, { tenantId, email: named.email, digest, source, since })
  );
  const owner = peer?.userId ?? null;
  const bound = owner !== null || facts.own_peer_only;
  if (bound && owner !== (facts.account?.user_id ?? undefined)) {
    const reason = "log-in of somebody who does not own the peer";
    await refuseTunnel(deps, c, { tenantId, reason });
  }
  const tenant = tenantId === noTenant ? c.req.header("x-tenant-id") : tenantId;
  const counterKey = `${tenant}/${digest.toHex()}/${source}/${facts.since_id}`;
  const anywhereKey = `${tenant}/${digest.toHex()}/${everySource}/${facts.anywhere_since_id}`;
  const [counted = 0, anywhere = 0] = await deps.failureCounters.read([counterKey, anywhereKey]);
  const failures = Math.max(facts.failures, counted);
  // What others do elsewhere costs nobody anything on a peer of his own, which nobody else logs in through (A5).
  const failuresAnywhere = owner === null ? Math.max(facts.failures_anywhere, anywhere) : 0;
  const suspect = failures >= failuresUntilProof || failuresAnywhere >= failuresUntilAlarm;
  if (deps.challenge && suspect) {
    const challenge = await deps.challenge.demand(`${counterKey}/${failures}`, named.proof);
    if (challenge) throw new ApiError("challenge_required", { challenge });
  }
  return {
    tenantId,
    digest,
    source,
    account: facts.account,
    failures,
    failuresAnywhere,
    counterKeys: [counterKey, anywhereKey],
    delayMs: failures >= failuresUntilLock
      ? 0
      : Math.max(delayAfter(failures), delayAfterAnywhere(failuresAnywhere)),
  };
}

interface Finish<T> {
  /** Whether the password is that of `attempt.account`. */
  matches: boolean;
  /** Compares the password with the hash that took the place of that one meanwhile. Absent: the attempt failed then. */
  again?: (hash: string) => Promise<boolean>;
  /** For the audit log. */
  action: AuditAction;
  /** What a right password leads to, in the same transaction. */
  succeed(sql: TenantSql, account: LoginAccount): Promise<T>;
}

/**
 * What the password proved has to hold still when it leads to something (A1): it may have waited for seconds. A hash
 * that is another by then may be the same password's, renewed by a log-in beside this one, so it is compared once more.
 * @returns undefined where the attempt failed, which is committed and told by the caller
 */
export async function finishAttempt<T>(
  deps: AttemptDeps,
  c: Context<AppEnv>,
  attempt: Attempt,
  { matches, again, action, succeed }: Finish<T>,
): Promise<T | undefined> {
  const { tenantId, account } = attempt;
  const now = deps.clock.now();
  const finished = await deps.tenancy.transaction(tenantId, async (sql) => {
    const since = new Date(now - lockWindowMs);
    const provenId = matches && account?.active ? account.user_id : null;
    const turn = await takeTurn(sql, { ...attempt, since, provenId, failuresUntilAlarm });
    // The database has no record of a tenant that there is not: there the counters say what it would.
    const { failures, alarm } = tenantId === noTenant
      ? {
        failures: attempt.failures,
        alarm: attempt.failuresAnywhere + 1 === failuresUntilAlarm,
      }
      : turn;
    const locked = Math.max(failures, attempt.failures) >= failuresUntilLock;
    const same = turn.password_hash === account?.password_hash;
    if (again && account && turn.password_hash !== null && !same && !locked) {
      return { renewed: { ...account, password_hash: turn.password_hash } };
    }
    const proven = same && !locked ? account : null;
    const { outcome, raises } = verdictOf({ proven: proven !== null, locked, failures, alarm });
    const at = new Date(now);
    await recordAttempt(sql, { ...attempt, outcome, at });
    if (raises === "alert_guesses") {
      await recordAttempt(sql, { ...attempt, source: everySource, outcome: "alarmed", at });
    }
    if (tenantId === noTenant) await standIn(sql);
    else {
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c, proven?.user_id),
        action,
        outcome: proven ? "succeeded" : "refused",
        ...(account ? { target: { type: "user", id: String(account.user_id) } } : {}),
        ...(locked || raises === "alert_locked" ? { details: { locked: true } } : {}),
        ...(raises === "alert_guesses" ? { details: { alarmed: true } } : {}),
      });
    }
    if (raises) await raiseAlarm(deps, c, sql, { tenantId, account, alarm: raises });
    return proven ? { result: await succeed(sql, proven) } : { failed: !locked };
  });
  if (again && finished.renewed) {
    const { renewed: account } = finished;
    const matches = await again(account.password_hash);
    return finishAttempt(deps, c, { ...attempt, account }, { matches, action, succeed });
  }
  if (finished.failed) await deps.failureCounters.add(attempt.counterKeys);
  return finished.result;
}

/** What the record says of an attempt, and what its owner is told: that it locks, before that there were many. */
function verdictOf(
  { proven, locked, failures, alarm }: {
    proven: boolean;
    locked: boolean;
    failures: number;
    alarm: boolean;
  },
): { outcome: AttemptOutcome; raises: Alarm | null } {
  if (proven) return { outcome: "succeeded", raises: null };
  if (locked) return { outcome: "locked", raises: null };
  if (failures + 1 === failuresUntilLock) return { outcome: "locking", raises: "alert_locked" };
  return { outcome: "failed", raises: alarm ? "alert_guesses" : null };
}
