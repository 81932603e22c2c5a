import type { Context } from "hono";
import { makeApiKey, type NewKey } from "../../auth/api_key.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import { auditKey } from "./audit_key.ts";
import { type ApiKeyRow, replaceSecret } from "./store.ts";

/**
 * Gives a key another secret, and writes that down.
 * @param key.overlapSeconds how long the one before stays good, from `now` (ms since the Unix epoch); 0 ends it at once
 */
export async function renewSecret(
  sql: TenantSql,
  c: Context<AppEnv>,
  key: Pick<ApiKeyRow, "id" | "prefix"> & {
    tenantId: TenantId;
    overlapSeconds: number;
    now: number;
  },
): Promise<NewKey> {
  const made = makeApiKey(key.prefix);
  const until = key.overlapSeconds > 0 ? new Date(key.now + key.overlapSeconds * 1000) : null;
  await replaceSecret(sql, { id: key.id, digest: made.digest, previousUntil: until });
  await auditKey(sql, c, key.tenantId, {
    action: "api_key.rotate",
    id: key.id,
    details: { overlap_seconds: key.overlapSeconds },
  });
  return made;
}
