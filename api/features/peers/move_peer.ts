import { createRoute } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, refusals, type Router } from "../../openapi.ts";
import { dropDeliveries } from "../deliveries/mod.ts";
import { applyNow } from "./apply.ts";
import { handOver } from "./hand_over.ts";
import { gatewayFor } from "./placement.ts";
import {
  checkResolvers,
  chooseType,
  holdToType,
  makeKeys,
  provisionResponse,
} from "./provision.ts";
import { holdToQuotas } from "./quota.ts";
import { movePeerBody, peerId, provisionedResponse } from "./schemas.ts";
import { ownerOf, type PeerScope } from "./scope.ts";
import { lockPeer, movePeerRow } from "./store.ts";
import { readPeer, readPeerAlone } from "./view_store.ts";

export function movePeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/move",
    operationId: "movePeer",
    summary: "Move a peer to another gateway, with a new address and new keys",
    description:
      "The client needs the new file. The old key is taken off the old gateway: until that was read back, `moved_from` says so, and its old address is held and counts against the quota. The peer is never at one address on both.",
    ...access(deps, scope.write),
    request: { params: peerId, ...jsonRequest(movePeerBody) },
    responses: {
      200: provisionedResponse("The peer with its new address, configuration and QR code"),
      ...refusals(
        "not_acceptable",
        "already_there",
        "overtaken",
        "public_key_taken",
        "quota_exceeded",
        "pool_exhausted",
        "gateway_closed",
        "gateway_down",
        "gateway_not_ready",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const ref = { id, owner: ownerOf(c, scope) };
    const type = chooseType(c, {
      ownKey: body.public_key !== undefined,
      link: body.delivery === "link",
    });
    const now = deps.clock.now();
    const keys = await makeKeys(deps, { tenantId, peerId: id }, body);
    const { config, delivery } = await deps.tenancy.transaction(tenantId, async (sql) => {
      const locked = await lockPeer(sql, ref);
      const before = locked && await readPeer(sql, ref, new Date(now));
      if (!before) throw new ApiError("not_found");
      if (before.gateway_id === body.gateway_id) throw new ApiError("already_there");
      const gateway = await gatewayFor(deps, sql, body.gateway_id);
      checkResolvers(gateway, before);
      await holdToQuotas(sql, { tenantId, interfaceId: gateway.id, owner: null });
      const address = await movePeerRow(sql, {
        id,
        interfaceId: gateway.id,
        publicKey: keys.publicKey,
        presharedKey: keys.sealedPresharedKey,
      });
      if (address === undefined) throw new ApiError("pool_exhausted");
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
      const made = await handOver(deps, sql, { peer, keys, gateway, choice: body, now });
      holdToType(type, made.config);
      return made;
    });
    await applyNow(deps, c, [id]);
    const peer = await readPeerAlone(deps.tenancy, tenantId, {
      ...ref,
      now: new Date(deps.clock.now()),
    });
    if (!peer) throw new ApiError("not_found");
    return provisionResponse(c, { type, status: 200, peer, config, delivery });
  });
}
