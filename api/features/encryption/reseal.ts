import { createRoute, z } from "@hono/zod-openapi";
import { presharedKeyRow } from "../../../lib/seal.ts";
import { type NamingSealer, sealedUnder } from "../../../lib/seal_ring.ts";
import { type AuditSource, auditSource, writeAudit } from "../../audit/write_audit.ts";
import { auditOrder } from "../../audit/audit_order.ts";
import { everyTenant } from "../../database/every_tenant.ts";
import { sealedKinds } from "../../database/lookups.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { letterRow } from "../../mail/mod.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { type Resealed, resealRows } from "../../database/reseal_rows.ts";
import { resealFactors } from "../mfa/mod.ts";
import { ringsOf } from "./key_check.ts";
import {
  lockMailsOfOtherKeys,
  lockPeersOfOtherKeys,
  resealMail,
  resealPeer,
  type SealedMail,
  type SealedPeer,
} from "./store.ts";

/** Rows in one transaction: few, because who changes them waits. */
const atOnce = 100;

/** Below every id. */
const firstId = "00000000-0000-0000-0000-000000000000";

const count = z.int().nonnegative();
const answer = z.object({
  resealed: z.object({ preshared_keys: count, mails: count, second_factors: count }),
  unreadable: count.openapi({ description: "What no key opens; it was left as it is" }),
  left: z.array(z.object({
    kind: z.enum(sealedKinds),
    key_id: z.string(),
    count,
    known: z.boolean().openapi({ description: "Whether this process has that key" }),
  })).openapi({
    description:
      "What is still under another key than the newest. Older keys can be dropped once this is empty; recovery codes cannot be sealed anew, and end with their key",
  }),
}).openapi("ResealedAll");

/** For a new ENCRYPTION_KEY: what older keys sealed is opened and sealed under it, tenant by tenant. */
export function resealAll(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/reseal",
    operationId: "resealAll",
    summary: "Seal all that is sealed under the newest keys",
    description: "What was sealed anew stays so: asked again after it was cut off, it goes on.",
    ...access(deps, "platform.tenants"),
    responses: {
      200: jsonResponse(answer, "What was sealed, and what older keys are still needed for"),
    },
  });
  router.openapi(route, async (c) => {
    const source = auditSource(c);
    const resealed = { preshared_keys: 0, mails: 0, second_factors: 0 };
    let unreadable = 0;
    const tenants = (await everyTenant(deps.platform)).map(({ id }) => id);
    await auditOrder(deps, c, {
      tenants,
      action: "encryption.reseal",
      details: { key_id: deps.presharedKeys.keyId },
    });
    for (const tenantId of tenants) {
      const peers = await resealPeers(deps, { tenantId, source });
      const mails = await resealMails(deps, tenantId);
      resealed.preshared_keys += peers.count;
      resealed.mails += mails.count;
      const factors = await resealFactors(deps, { tenantId, source });
      resealed.second_factors += factors.count;
      unreadable += peers.unreadable + mails.unreadable + factors.unreadable;
    }
    const rings = ringsOf(deps);
    const left = (await deps.lookups.sealed())
      .filter(({ kind, keyId }) => keyId !== rings[kind].keyId)
      .map(({ kind, keyId, count }) => ({
        kind,
        key_id: keyId,
        count,
        known: rings[kind].has(keyId),
      }));
    return c.json({ resealed, unreadable, left }, 200);
  });
}

function resealPeers(
  deps: Pick<Deps, "tenancy" | "presharedKeys">,
  { tenantId, source }: { tenantId: TenantId; source: AuditSource },
): Promise<Resealed> {
  const { keyId } = deps.presharedKeys;
  const anew = async (
    peerId: string,
    publicKey: string | null,
    sealed: Uint8Array | null,
  ): Promise<Uint8Array | null> =>
    publicKey === null || sealed === null
      ? null
      : await again(deps.presharedKeys, sealed, presharedKeyRow({ tenantId, peerId, publicKey }));
  return resealRows<SealedPeer>(deps, {
    tenantId,
    atOnce,
    lock: (sql, { after, limit }) =>
      lockPeersOfOtherKeys(sql, { keyId, after: after?.id ?? firstId, limit }),
    reseal: async (sql, peer) =>
      await resealPeer(sql, {
        id: peer.id,
        preshared_key: await anew(peer.id, peer.public_key, peer.preshared_key),
        successor_preshared_key: await anew(
          peer.id,
          peer.successor_public_key,
          peer.successor_preshared_key,
        ),
      }),
    note: (sql, count) =>
      writeAudit(sql, {
        tenantId,
        source,
        action: "encryption.reseal",
        outcome: "succeeded",
        target: { type: "tenant", id: String(tenantId) },
        details: { peers: count, key_id: keyId },
      }),
  });
}

function resealMails(
  deps: Pick<Deps, "tenancy" | "letters">,
  tenantId: TenantId,
): Promise<Resealed> {
  const { keyId } = deps.letters;
  return resealRows<SealedMail>(deps, {
    tenantId,
    atOnce,
    lock: (sql, { after, limit }) =>
      lockMailsOfOtherKeys(sql, { keyId, after: after?.id ?? firstId, limit }),
    reseal: async (sql, { id, sealed_letter }) =>
      await resealMail(sql, {
        id,
        sealed_letter: await again(deps.letters, sealed_letter, letterRow({ tenantId, id })),
      }),
  });
}

async function again(sealer: NamingSealer, sealed: Uint8Array, row: string): Promise<Uint8Array> {
  if (sealedUnder(sealed) === sealer.keyId) return sealed;
  return await sealer.seal(await sealer.open(sealed, row), row);
}
