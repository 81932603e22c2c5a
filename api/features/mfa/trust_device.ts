import type { Context } from "hono";
import { v7 as uuidv7 } from "uuid";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { createOneTimeToken } from "../../auth/one_time_token.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { insertTrustedDevice } from "./login_store.ts";

const trustMs = 30 * 24 * 60 * 60_000;

/**
 * Trusts the device of this log-in: through the peer that it came through, the token that this returns stands for
 * the second factor for 30 days, and for nothing that asks for a fresh one.
 */
export async function trustDevice(
  { clock }: Pick<Deps, "clock">,
  c: Context<AppEnv>,
  sql: TenantSql,
  who: { tenantId: TenantId; userId: number; deviceName: string },
): Promise<string> {
  const now = clock.now();
  const id = uuidv7({ msecs: now });
  const token = await createOneTimeToken();
  await insertTrustedDevice(sql, {
    ...who,
    id,
    digest: token.digest,
    peerId: c.get("peer")?.peerId ?? null,
    userAgent: (c.req.header("user-agent") ?? "").slice(0, 256),
    at: new Date(now),
    expiresAt: new Date(now + trustMs),
  });
  await writeAudit(sql, {
    tenantId: who.tenantId,
    source: auditSource(c, who.userId),
    action: "mfa.trust",
    outcome: "succeeded",
    target: { type: "trusted_device", id },
  });
  return token.text.reveal();
}
