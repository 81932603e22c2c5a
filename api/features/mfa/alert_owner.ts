import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { auditSource } from "../../audit/write_audit.ts";
import { type Letter, queueAlert } from "../../mail/mod.ts";
import { readAddressee } from "./store.ts";

export type AlertDeps = Pick<
  Deps,
  "letters" | "clock" | "limits" | "identifierDigest" | "log"
>;

/** What a letter says, without whom it goes to. */
type Message = Letter extends infer L ? L extends Letter ? Pick<L, "template" | "data"> : never
  : never;

/** Tells the user by mail, in the transaction of what it is about. */
export async function alertOwner(
  deps: AlertDeps,
  c: Context<AppEnv>,
  sql: TenantSql,
  who: { tenantId: TenantId; userId: number },
  message: Message,
): Promise<void> {
  const owner = await readAddressee(sql, who.userId);
  if (!owner) return;
  const { tenantId, userId } = who;
  await queueAlert(deps, sql, { tenantId, userId, source: auditSource(c), ...owner, ...message });
}
