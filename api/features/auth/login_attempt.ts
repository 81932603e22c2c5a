import type { Context } from "hono";
import { auditSource, writeAudit } from "../../audit.ts";
import {
  delayAfter,
  failuresUntilLock,
  failuresUntilProof,
  lockWindowMs,
} from "../../auth/throttle.ts";
import type { AppEnv } from "../../context.ts";
import { noTenant, type TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { type ConcludeDeps, concludeLogin } from "./conclude_login.ts";
import {
  countFailures,
  type LoginAccount,
  readLoginFacts,
  recordAttempt,
  standInForAudit,
} from "./attempt_store.ts";

export type AttemptDeps =
  & ConcludeDeps
  & Pick<Deps, "tenancy" | "identifierDigest" | "failureCounters" | "challenge">;

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
  /** What the pair's failures are counted by since it last succeeded or was unlocked. */
  counterKey: string;
  /** How long it has to wait for those. */
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
  const [facts] = await deps.tenancy.query(
    tenantId,
    (sql) => readLoginFacts(sql, { email: named.email, digest, source, since }),
  );
  const owner = peer?.userId ?? null;
  const bound = owner !== null || facts.own_peer_only;
  if (bound && owner !== (facts.account?.user_id ?? undefined)) {
    const reason = "log-in of somebody who does not own the peer";
    await refuseTunnel(deps, c, { tenantId, reason });
  }
  const tenant = tenantId === noTenant ? c.req.header("x-tenant-id") : tenantId;
  const counterKey = `${tenant}/${digest.toHex()}/${source}/${facts.since_id}`;
  const failures = Math.max(facts.failures, await deps.failureCounters.read(counterKey));
  if (deps.challenge && failures >= failuresUntilProof) {
    const challenge = await deps.challenge.demand(`${counterKey}/${failures}`, named.proof);
    if (challenge) throw new ApiError("challenge_required", { challenge });
  }
  return {
    tenantId,
    digest,
    source,
    account: facts.account,
    failures,
    counterKey,
    delayMs: delayAfter(failures),
  };
}

/** @returns undefined where the attempt failed, which is committed and told by the caller */
export async function finishAttempt(
  deps: AttemptDeps,
  c: Context<AppEnv>,
  attempt: Attempt,
  { matches, deviceName }: { matches: boolean; deviceName: string },
) {
  const { tenantId, account } = attempt;
  const now = deps.clock.now();
  const conclusion = await deps.tenancy.transaction(tenantId, async (sql) => {
    const counted = await countFailures(sql, { ...attempt, since: new Date(now - lockWindowMs) });
    const locked = Math.max(counted, attempt.failures) >= failuresUntilLock;
    const proven = matches && account?.active && !locked ? account : null;
    const outcome = proven ? "succeeded" : locked ? "locked" : "failed";
    await recordAttempt(sql, { ...attempt, outcome, at: new Date(now) });
    if (tenantId === noTenant) await standInForAudit(sql);
    else {
      await writeAudit(sql, {
        tenantId,
        source: {
          ...auditSource(c),
          ...(proven ? { actor: "user", userId: proven.user_id } : { actor: "anonymous" }),
        },
        action: "auth.login",
        outcome: proven ? "succeeded" : "refused",
        ...(account ? { target: { type: "user", id: String(account.user_id) } } : {}),
        ...(locked ? { details: { locked: true } } : {}),
      });
    }
    if (!proven) return { failed: outcome === "failed" };
    const answer = await concludeLogin(deps, c, sql, { tenantId, account: proven, deviceName });
    return { answer };
  });
  if (conclusion.failed) await deps.failureCounters.add(attempt.counterKey);
  return conclusion.answer;
}
