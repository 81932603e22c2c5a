import type { Context } from "hono";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { dropDeliveries, putUpDelivery } from "../deliveries/mod.ts";
import { putKeys } from "./keys_store.ts";
import {
  clientFile,
  makeKeys,
  type PeerKeys,
  type ReadyGateway,
  requireGateway,
} from "./provision.ts";
import type { PeerView } from "./schemas.ts";
import { readGateway } from "./store.ts";

/** What the maker of keys gets, beside the peer itself. */
export interface HandedOver {
  /** Null where the client has its file already. */
  config: string | null;
  delivery: { token: string; expires_at: string } | null;
}

/** The caller's choice of keys, and how the file is to reach the client. */
interface KeyChoice {
  public_key?: string | undefined;
  preshared_key: boolean;
  delivery: "inline" | "link";
}

/** The file for the client, or the token that fetches it; in the transaction that made the keys. */
export async function handOver(
  deps: Pick<Deps, "settings">,
  sql: TenantSql,
  made: {
    peer: PeerView;
    keys: PeerKeys;
    gateway: ReadyGateway;
    choice: KeyChoice;
    now: number;
  },
): Promise<HandedOver> {
  const { peer, choice, now } = made;
  const config = clientFile(deps, made);
  const delivery = choice.delivery === "link"
    ? await putUpDelivery(sql, { tenantId: peer.tenant_id, peerId: peer.id, config, now })
    : null;
  return { config, delivery };
}

/**
 * Gives a peer new keys; the caller has locked its row. A file of the old keys that still waits is dropped.
 * @param options.overlapMs how long the old key goes on if the new one does not shake hands; 0 for not at all
 */
export async function rekey(
  deps: Pick<Deps, "settings" | "presharedKeys">,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, peer, choice, now, overlapMs = 0 }: {
    tenantId: TenantId;
    peer: PeerView;
    choice: KeyChoice;
    now: number;
    overlapMs?: number;
  },
): Promise<HandedOver> {
  const { id } = peer;
  const gateway = requireGateway(await readGateway(sql, peer.gateway_id));
  const keys = await makeKeys(deps, { tenantId: peer.tenant_id, peerId: id }, choice);
  const { publicKey, sealedPresharedKey: presharedKey } = keys;
  const deadline = overlapMs > 0 ? new Date(now + overlapMs) : null;
  await putKeys(sql, { id, publicKey, presharedKey }, deadline);
  await dropDeliveries(sql, id);
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: "peer.rotate",
    outcome: "succeeded",
    target: { type: "peer", id },
    details: {
      public_key_before: peer.public_key,
      public_key: publicKey,
      overlap_until: deadline?.toISOString() ?? null,
    },
  });
  return await handOver(deps, sql, { peer, keys, gateway, choice, now });
}
