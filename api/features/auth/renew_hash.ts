import type { Context } from "hono";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import type { Attempt } from "./login_attempt.ts";
import { replaceHash } from "./password_store.ts";

/**
 * After a log-in that succeeded, stores the password as hashes are made today, if its hash is of other parameters
 * or an imported bcrypt. Where there is no time for that, the next log-in does it.
 */
export async function renewHash(
  deps: Pick<Deps, "tenancy" | "hasher">,
  c: Context<AppEnv>,
  { tenantId, account, password }: Pick<Attempt, "tenantId" | "account"> & { password: string },
): Promise<void> {
  if (!account || !deps.hasher.isOutdated(account.password_hash)) return;
  const after = await deps.hasher.hash(password, tenantId).catch((error) => {
    if (error instanceof ApiError && error.code === "overloaded") return undefined;
    throw error;
  });
  if (after === undefined) return;
  const { user_id: userId, password_hash: before } = account;
  await deps.tenancy.transaction(tenantId, async (sql) => {
    // Not if the password was changed meanwhile.
    if (!await replaceHash(sql, { userId, before, after })) return;
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c, userId),
      action: "user.rehash",
      outcome: "succeeded",
      target: { type: "user", id: String(userId) },
    });
  });
}
