import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import { answerPending, decideSecondFactor } from "../mfa/mod.ts";
import { firstTokens, openSession, type SessionDeps } from "../sessions/mod.ts";
import type { LoginAccount } from "./attempt_store.ts";

export type ConcludeDeps = SessionDeps;

/**
 * What a log-in comes to whose password is right, in the transaction that recorded it: a session, or what is asked
 * for besides.
 * @returns makes the answer once that has been committed
 */
export async function concludeLogin(
  deps: ConcludeDeps,
  c: Context<AppEnv>,
  sql: TenantSql,
  who: {
    tenantId: TenantId;
    account: LoginAccount;
    deviceName: string;
    trustedDevice: string | undefined;
  },
) {
  const { tenantId, account, deviceName } = who;
  const userId = account.user_id;
  const next = await decideSecondFactor(deps, c, sql, { ...who, userId });
  if (next.pending) {
    const login = next.pending;
    return () => answerPending(deps, login);
  }
  const session = await openSession(deps, c, sql, {
    tenantId,
    userId,
    email: account.email,
    deviceName,
    steppedUp: next.steppedUp,
  });
  return () => firstTokens(deps, session);
}
