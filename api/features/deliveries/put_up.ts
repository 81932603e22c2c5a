import type { TenantSql } from "../../database/tenancy.ts";
import { insertDelivery } from "./store.ts";
import { deliveryLifetimeMs, deliveryRow, makeDeliveryToken } from "./token.ts";

/** Puts a client's file up to be fetched once, in the transaction that made the peer. */
export async function putUpDelivery(
  sql: TenantSql,
  file: { tenantId: number; peerId: string; config: string; now: number },
): Promise<{ token: string; expires_at: string }> {
  const { text, digest, sealer } = await makeDeliveryToken();
  const expiresAt = new Date(file.now + deliveryLifetimeMs);
  const sealedConfig = await sealer.seal(new TextEncoder().encode(file.config), deliveryRow(file));
  await insertDelivery(sql, { ...file, digest, sealedConfig, at: new Date(file.now), expiresAt });
  return { token: text.reveal(), expires_at: expiresAt.toISOString() };
}
