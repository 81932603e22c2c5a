import type { Context } from "hono";
import { createRoute, type z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { jsonRequest, refusals, type Router } from "../../openapi.ts";
import { dropDeliveries } from "../deliveries/mod.ts";
import { type HandedOver, handOver } from "./hand_over.ts";
import { chosenPlaceRefusals, gatewayFor } from "./placement.ts";
import { checkResolvers, makeKeys } from "./provision.ts";
import { holdMoverToQuota } from "./quota.ts";
import { type Renewal, renewPeer } from "./renew.ts";
import { movePeerBody, peerId, provisionedResponse } from "./schemas.ts";
import type { PeerScope } from "./scope.ts";
import { movePeerRow } from "./store.ts";
import { readPeer } from "./view_store.ts";

export function movePeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/move",
    operationId: "movePeer",
    summary: "Move a peer to another gateway, with a new address and new keys",
    description:
      "The client needs the new file. The old key is taken off the old gateway: until that was read back, `moved_from` says so, and its old address is held. A quota that is used up does not hold a move back, while each gateway gives a tenant no more addresses than the quota. The peer is never at one address on both.",
    ...access(deps, scope.write),
    request: { params: peerId, ...jsonRequest(movePeerBody) },
    responses: {
      200: provisionedResponse("The peer with its new address, configuration and QR code"),
      ...refusals(
        "not_acceptable",
        "already_there",
        "overtaken",
        "public_key_taken",
        ...chosenPlaceRefusals,
      ),
    },
  });
  router.openapi(route, (c) => {
    const body = c.req.valid("json");
    return renewPeer(deps, c, {
      id: c.req.valid("param").id,
      scope,
      choice: body,
      renew: (renewal) => move(deps, c, body, renewal),
    });
  });
}

async function move(
  deps: Deps,
  c: Context<AppEnv>,
  body: z.infer<typeof movePeerBody>,
  { sql, tenantId, ref, peer: before, now }: Renewal,
): Promise<HandedOver> {
  const { id } = ref;
  if (before.gateway_id === body.gateway_id) throw new ApiError("already_there");
  const gateway = await gatewayFor(deps, sql, body.gateway_id);
  checkResolvers(gateway, before);
  const keys = await makeKeys(deps, { tenantId, peerId: id }, body);
  const address = await movePeerRow(sql, {
    id,
    interfaceId: gateway.id,
    publicKey: keys.publicKey,
    presharedKey: keys.sealedPresharedKey,
  });
  if (address === undefined) throw new ApiError("pool_exhausted");
  await holdMoverToQuota(sql, { tenantId, interfaceId: gateway.id });
  // A file that waits names the old gateway.
  await dropDeliveries(sql, id);
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: "peer.move",
    outcome: "succeeded",
    target: { type: "peer", id },
    details: {
      gateway_before: before.gateway_id,
      gateway: gateway.id,
      address_before: before.address,
      address,
    },
  });
  const peer = await readPeer(sql, ref, new Date(now));
  if (!peer) throw new ApiError("not_found");
  return await handOver(deps, sql, { peer, keys, gateway, choice: body, now });
}
