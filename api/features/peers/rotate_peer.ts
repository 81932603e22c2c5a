import { createRoute } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import { jsonRequest, refusals, type Router } from "../../openapi.ts";
import { rekey } from "./hand_over.ts";
import { renewPeer } from "./renew.ts";
import { peerId, type PeerView, provisionedResponse, rotatePeerBody } from "./schemas.ts";
import type { PeerScope } from "./scope.ts";

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
  router.openapi(route, (c) => {
    const body = c.req.valid("json");
    return renewPeer(deps, c, {
      id: c.req.valid("param").id,
      scope,
      choice: body,
      renew({ sql, tenantId, peer, now }) {
        const overlapMs = hasSession(peer) ? body.overlap_seconds * 1000 : 0;
        return rekey(deps, c, sql, { tenantId, peer, choice: body, now, overlapMs });
      },
    });
  });
}

/** Whether the old key may be in use; where the daemon could not apply it, there is nothing to keep. */
function hasSession({ status, status_reason }: PeerView): boolean {
  return status === "active" || (status === "pending" && status_reason === null);
}
