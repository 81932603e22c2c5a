import type { Context } from "hono";
import { digestOneTimeToken } from "../../auth/one_time_token.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { useTrustedDevice } from "./login_store.ts";
import { beginPendingLogin, type PendingLogin } from "./pending_login.ts";
import { readFactorFacts } from "./store.ts";

/** What comes after a password that was right. */
export type SecondFactor =
  | { pending: PendingLogin }
  | {
    pending: null;
    /** Whether the password was the strongest factor that the user has. */
    steppedUp: boolean;
  };

/**
 * Decides what a log-in needs beside its password, in its transaction: nothing, where the user neither has a second
 * factor nor must have one, or comes from a device that he trusts; else the code, or a factor to be set up first.
 * @param who.trustedDevice the token that the device was given, where it sent one
 */
export async function decideSecondFactor(
  deps: Pick<Deps, "clock">,
  c: Context<AppEnv>,
  sql: TenantSql,
  who: {
    tenantId: TenantId;
    userId: number;
    deviceName: string;
    trustedDevice: string | undefined;
  },
): Promise<SecondFactor> {
  const at = new Date(deps.clock.now());
  const facts = await readFactorFacts(sql, { userId: who.userId, at });
  if (facts.enabled_at === null) {
    if (!facts.required) return { pending: null, steppedUp: true };
    return { pending: await beginPendingLogin(deps, c, sql, { ...who, kind: "mfa_setup" }) };
  }
  const device = who.trustedDevice === undefined ? undefined : await useTrustedDevice(sql, {
    userId: who.userId,
    digest: await digestOneTimeToken(who.trustedDevice),
    peerId: c.get("peer")?.peerId ?? null,
    at,
  });
  if (device === undefined) {
    return { pending: await beginPendingLogin(deps, c, sql, { ...who, kind: "mfa_session" }) };
  }
  await writeAudit(sql, {
    tenantId: who.tenantId,
    source: auditSource(c, who.userId),
    action: "mfa.trust_used",
    outcome: "succeeded",
    target: { type: "trusted_device", id: device },
  });
  return { pending: null, steppedUp: false };
}
