import type { Context } from "hono";
import { v7 as uuidv7 } from "uuid";
import type { PendingKind, PendingToken } from "../../auth/tokens.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { fitsTunnel, refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { lockUser } from "../roles/mod.ts";
import { type ChallengeRow, insertChallenge, lockChallenge, useChallenge } from "./login_store.ts";

/** How long a log-in waits for its second step: for a code, or for an app to be set up. */
const seconds: Record<PendingKind, number> = { mfa_session: 5 * 60, mfa_setup: 15 * 60 };

/** A log-in whose password was right and which is not complete. */
export interface PendingLogin extends PendingToken {
  kind: PendingKind;
}

/** In the transaction of the log-in's first step. */
export async function beginPendingLogin(
  { clock }: Pick<Deps, "clock">,
  c: Context<AppEnv>,
  sql: TenantSql,
  who: { tenantId: TenantId; userId: number; kind: PendingKind; deviceName: string },
): Promise<PendingLogin> {
  const now = clock.now();
  const id = uuidv7({ msecs: now });
  await insertChallenge(sql, {
    ...who,
    id,
    peerId: c.get("peer")?.peerId ?? null,
    at: new Date(now),
    expiresAt: new Date(now + seconds[who.kind] * 1000),
  });
  return { tenantId: who.tenantId, userId: who.userId, id, kind: who.kind };
}

/** The answer to the first step; for after its transaction. */
export async function answerPending({ tokens }: Pick<Deps, "tokens">, login: PendingLogin) {
  const { kind, ...token } = login;
  const text = await tokens.mintPending(kind, { ...token, seconds: seconds[kind] });
  return kind === "mfa_session"
    ? { mfa_required: true as const, mfa_session_token: text }
    : { mfa_setup_required: true as const, mfa_setup_token: text };
}

/** What a claim comes to: the log-in, or why it cannot go on. Thrown by {@link refuseClaim}, outside. */
export type Claim = ChallengeRow | "over" | "elsewhere";

/**
 * Locks a pending log-in for this transaction: it goes on through the very peer that it began on, and no other
 * (T10), as long as neither password nor factor was changed since.
 */
export async function claimPendingLogin(
  { clock }: Pick<Deps, "clock">,
  c: Context<AppEnv>,
  sql: TenantSql,
  login: PendingLogin,
): Promise<Claim> {
  // Before the log-in, as everybody who ends what the user is known by has it.
  await lockUser(sql, login.userId);
  const row = await lockChallenge(sql, { ...login, at: new Date(clock.now()) });
  if (!row) return "over";
  const peer = c.get("peer");
  const same = (peer?.peerId ?? null) === row.peer_id &&
    fitsTunnel(peer, { ...login, ownPeerOnly: row.own_peer_only });
  return same ? row : "elsewhere";
}

/** A log-in is completed once. */
export async function completePendingLogin(
  { clock }: Pick<Deps, "clock">,
  sql: TenantSql,
  login: PendingLogin,
): Promise<void> {
  await useChallenge(sql, { id: login.id, at: new Date(clock.now()) });
}

/** @throws {ApiError} always */
export async function refuseClaim(
  deps: Pick<Deps, "tenancy">,
  c: Context<AppEnv>,
  claim: "over" | "elsewhere",
  login: PendingLogin,
): Promise<never> {
  if (claim === "elsewhere") {
    await refuseTunnel(deps, c, { ...login, reason: "log-in that began through another peer" });
  }
  throw new ApiError("invalid_token");
}
