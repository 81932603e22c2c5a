import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { queueMail, whenAndWhere } from "../../mail/mod.ts";
import { type LoginAccount, standIn } from "./attempt_store.ts";

/** What an attempt that failed may be told its owner as: it locks its pair, or is one of many from everywhere. */
export type Alarm = "alert_locked" | "alert_guesses";

/** Tells the owner by mail, in the transaction of the attempt; whoever is nobody costs as many statements (A4). */
export async function raiseAlarm(
  deps: Pick<Deps, "letters" | "clock">,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, account, alarm }: {
    tenantId: TenantId;
    account: LoginAccount | null;
    alarm: Alarm;
  },
): Promise<void> {
  if (!account?.active) return await standIn(sql);
  await queueMail(deps, sql, {
    tenantId,
    to: account.email,
    locale: account.locale,
    template: alarm,
    data: whenAndWhere(deps, c),
  });
}
