import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { broughtToken } from "../../auth/one_time_token.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import { createRouter, jsonRequest, refusals, type Router } from "../../openapi.ts";
import {
  deliveryRow,
  type DeliveryToken,
  endEnrolment,
  farewellMs,
  readDeliveryToken,
  takeDelivery,
} from "../deliveries/mod.ts";
import { applyNow } from "./apply.ts";
import { putKeys } from "./keys_store.ts";
import {
  chooseType,
  clientFile,
  holdToType,
  makeKeys,
  provisionResponse,
  requireGateway,
} from "./provision.ts";
import { provisionedResponse, publicKey } from "./schemas.ts";
import { readGateway } from "./store.ts";
import { readPeer, readPeerAlone } from "./view_store.ts";

/** `/api/v1/wireguard/deliveries` */
export function deliveriesFeature(deps: Deps): Router {
  const router = createRouter();
  const route = createRoute({
    method: "post",
    path: "/",
    operationId: "redeemDelivery",
    summary: "Fetch a client's file, once",
    description:
      "With a public key of your own the peer gets that key instead, and its file has no private one. Through an enrolment peer, that peer ends half a minute later.",
    ...limitedAccess(deps, "login"),
    "x-headers": z.object({
      "x-tenant-id": z.string().optional().openapi({
        description:
          "Id or slug of the tenant; may be left out on the tunnel, and must agree with it",
      }),
    }),
    request: jsonRequest(z.strictObject({
      token: broughtToken,
      public_key: publicKey.exactOptional(),
    })),
    responses: {
      200: provisionedResponse("The peer, its configuration and QR code"),
      ...refusals("not_found", "not_acceptable", "public_key_taken", "gateway_not_ready"),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const type = chooseType(c, { ownKey: body.public_key !== undefined, link: false });
    // On the tunnel the peer says it all; a header may only agree.
    const tenantId = c.req.header("x-tenant-id") === undefined
      ? c.get("peer")?.tenantId ?? await namedTenant(deps, c)
      : await namedTenant(deps, c);
    const token = await readDeliveryToken(body.token);
    if (tenantId === undefined || !token) throw new ApiError("not_found");
    const { id, config } = await deps.tenancy.transaction(
      tenantId,
      async (sql) => {
        const redeemed = await redeem(deps, c, { sql, tenantId, token, ownKey: body.public_key });
        holdToType(type, redeemed.config);
        return redeemed;
      },
    );
    if (body.public_key !== undefined) await applyNow(deps, c, [id]);
    const peer = await readPeerAlone(deps.tenancy, tenantId, {
      id,
      owner: null,
      now: new Date(deps.clock.now()),
    });
    if (!peer) throw new ApiError("not_found");
    return provisionResponse(c, { type, status: 200, peer, config });
  });
  return router;
}

/** Takes the file, swaps the key in where one was brought, and ends the enrolment, all or nothing. */
async function redeem(
  deps: Deps,
  c: Context<AppEnv>,
  { sql, tenantId, token, ownKey }: {
    sql: TenantSql;
    tenantId: TenantId;
    token: DeliveryToken;
    ownKey: string | undefined;
  },
): Promise<{ id: string; config: string }> {
  const now = deps.clock.now();
  const via = c.get("peer");
  const taken = await takeDelivery(sql, { digest: token.digest, now: new Date(now) });
  const id = taken?.peer_id ?? "";
  const peer = taken && await readPeer(sql, { id, owner: null }, new Date(now));
  // A peer with an owner fetches for that owner alone; what was taken is put back by the rollback.
  if (!taken || !peer || (via && via.userId !== null && via.userId !== peer.user_id)) {
    throw new ApiError("not_found");
  }
  let config = new TextDecoder().decode(
    await token.sealer.open(taken.sealed_config, deliveryRow({ tenantId, peerId: id })),
  );
  if (ownKey !== undefined) {
    const gateway = requireGateway(await readGateway(sql, peer.gateway_id));
    const keys = await makeKeys(deps, { tenantId, peerId: id }, {
      public_key: ownKey,
      preshared_key: peer.has_preshared_key,
    });
    const { publicKey, sealedPresharedKey: presharedKey } = keys;
    // The file was of the latest key: of the one that waits, where one does.
    const deadline = peer.rotation && new Date(peer.rotation.deadline);
    await putKeys(sql, { id, publicKey, presharedKey }, deadline);
    config = clientFile(deps, { peer, keys, gateway });
  }
  if (via?.kind === "enrolment") {
    await endEnrolment(sql, { id: via.peerId, at: new Date(now + farewellMs) });
  }
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: "delivery.redeem",
    outcome: "succeeded",
    target: { type: "peer", id },
    details: { own_key: ownKey !== undefined },
  });
  return { id, config };
}
