import { createRoute } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, refusals, type Router } from "../../openapi.ts";
import { applyNow } from "./apply.ts";
import { rekey } from "./hand_over.ts";
import { chooseType, holdToType, provisionResponse } from "./provision.ts";
import { peerId, type PeerView, provisionedResponse, rotatePeerBody } from "./schemas.ts";
import { ownerOf, type PeerScope } from "./scope.ts";
import { lockPeer } from "./store.ts";
import { readPeer, readPeerAlone } from "./view_store.ts";

export function rotatePeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/rotate",
    operationId: scope.own ? "rotateOwnPeer" : "rotatePeer",
    summary: "Give a peer new keys at its old address",
    description:
      "The new key stands beside the old one until its first handshake, and takes over the address then, in one step. A peer that is not on the interface changes its key at once.",
    ...access(deps, scope.write),
    request: { params: peerId, ...jsonRequest(rotatePeerBody) },
    responses: {
      200: provisionedResponse("The peer with its new configuration and QR code"),
      ...refusals("not_acceptable", "public_key_taken", "gateway_not_ready"),
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
    const { config, delivery } = await deps.tenancy.transaction(tenantId, async (sql) => {
      const locked = await lockPeer(sql, ref);
      const peer = locked && await readPeer(sql, ref, new Date(now));
      if (!peer) throw new ApiError("not_found");
      const overlapMs = hasSession(peer) ? body.overlap_seconds * 1000 : 0;
      const made = await rekey(deps, c, sql, { tenantId, peer, choice: body, now, overlapMs });
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

/** Whether the old key may be in use; where the daemon could not apply it, there is nothing to keep. */
function hasSession({ status, status_reason }: PeerView): boolean {
  return status === "active" || (status === "pending" && status_reason === null);
}
