import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import { firstTokens, openSession, type SessionDeps } from "../sessions/mod.ts";
import type { LoginAccount } from "./attempt_store.ts";

export type ConcludeDeps = SessionDeps;

/**
 * What a log-in comes to whose password is right, in the transaction that recorded it.
 * @returns makes the answer once that has been committed
 */
export async function concludeLogin(
  deps: ConcludeDeps,
  c: Context<AppEnv>,
  sql: TenantSql,
  who: { tenantId: TenantId; account: LoginAccount; deviceName: string },
) {
  const session = await openSession(deps, c, sql, {
    tenantId: who.tenantId,
    userId: who.account.user_id,
    email: who.account.email,
    deviceName: who.deviceName,
    steppedUp: true,
  });
  return () => firstTokens(deps, session);
}
