import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit.ts";
import { failuresUntilLock, lockWindowMs } from "../../auth/throttle.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import { refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { email } from "../users/mod.ts";
import { firstTokens, openSession } from "../sessions/mod.ts";
import { deviceName, presentedPassword, tenantHeader, tokenPair } from "./schemas.ts";
import { countFailures, type LoginAccount, readLoginFacts, recordAttempt } from "./store.ts";

type LoginDeps = Pick<
  Deps,
  | "tenancy"
  | "lookups"
  | "hasher"
  | "tokens"
  | "identifierDigest"
  | "clock"
  | "settings"
  | "limits"
>;

export function login(router: Router, deps: LoginDeps): void {
  const route = createRoute({
    method: "post",
    path: "/login",
    summary: "Log in with e-mail and password",
    ...limitedAccess(deps, "login"),
    request: {
      headers: tenantHeader,
      ...jsonRequest(z.strictObject({
        email,
        password: presentedPassword,
        device_name: deviceName,
      })),
    },
    responses: {
      200: jsonResponse(tokenPair, "An access token and the first refresh token of a new session"),
      ...refusals(400, 401, 403, 413, 415, 422, 429, 503),
    },
  });
  router.openapi(route, async (c) => {
    const { email, password, device_name } = c.req.valid("json");
    const tenantId = await namedTenant(deps, c);
    const attempt = await startAttempt(deps, c, tenantId, email);
    // Every path does the same work: one hash, whoever it is about (A4).
    const stored = attempt?.account?.password_hash ?? null;
    const matches = await deps.hasher.verify(stored, password);
    if (!attempt) throw new ApiError("invalid_credentials");
    const account = matches && attempt.account?.active ? attempt.account : null;
    const session = await finishAttempt(deps, c, attempt, account, device_name);
    if (!session) throw new ApiError("invalid_credentials");
    return c.json(await firstTokens(deps, session), 200);
  });
}

interface Attempt {
  tenantId: TenantId;
  digest: Uint8Array;
  source: string;
  account: LoginAccount | null;
}

async function startAttempt(
  deps: LoginDeps,
  c: Context<AppEnv>,
  tenantId: TenantId | undefined,
  email: string,
): Promise<Attempt | undefined> {
  if (tenantId === undefined) return undefined;
  const peer = c.get("peer");
  // A lock binds the account and the way it came, so that nobody locks out somebody else (A5).
  const source = peer?.peerId ?? c.env.listener;
  const digest = await deps.identifierDigest(email);
  const [facts] = await deps.tenancy.query(tenantId, (sql) => readLoginFacts(sql, email));
  // Refused before the password is looked at: the answer tells nothing about it.
  const owner = peer?.userId ?? null;
  const bound = owner !== null || facts.own_peer_only;
  if (bound && owner !== (facts.account?.user_id ?? undefined)) {
    const reason = "log-in of somebody who does not own the peer";
    await refuseTunnel(deps, c, { tenantId, reason });
  }
  return { tenantId, digest, source, account: facts.account };
}

/** @returns undefined where the attempt failed, which is committed and told by the caller */
function finishAttempt(
  deps: LoginDeps,
  c: Context<AppEnv>,
  attempt: Attempt,
  proven: LoginAccount | null,
  deviceName: string,
) {
  const { tenantId } = attempt;
  const now = deps.clock.now();
  const at = new Date(now);
  return deps.tenancy.transaction(tenantId, async (sql) => {
    const since = new Date(now - lockWindowMs);
    const locked = await countFailures(sql, { ...attempt, since }) >= failuresUntilLock;
    const account = locked ? null : proven;
    const outcome = account ? "succeeded" : locked ? "locked" : "failed";
    await recordAttempt(sql, { ...attempt, outcome, at });
    const known = attempt.account;
    await writeAudit(sql, {
      tenantId,
      source: {
        ...auditSource(c),
        ...(account ? { actor: "user", userId: account.user_id } : { actor: "anonymous" }),
      },
      action: "auth.login",
      outcome: account ? "succeeded" : "refused",
      ...(known ? { target: { type: "user", id: String(known.user_id) } } : {}),
      ...(locked ? { details: { locked: true } } : {}),
    });
    if (!account) return undefined;
    return await openSession(deps, c, sql, {
      tenantId,
      userId: account.user_id,
      email: account.email,
      deviceName,
      steppedUp: true,
    });
  });
}
