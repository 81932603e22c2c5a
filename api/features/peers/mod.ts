import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { createPeer } from "./create_peer.ts";
import { getPeer, getPeers } from "./read_peers.ts";
import { rotatePeer } from "./rotate_peer.ts";
import { deletePeer, disablePeer, enablePeer } from "./switch_peer.ts";

export { countPeers, readGateway } from "./store.ts";

/** `/api/v1/wireguard/peers` */
export function peersFeature(deps: Deps): Router {
  const router = createRouter();
  createPeer(router, deps);
  getPeers(router, deps);
  getPeer(router, deps);
  deletePeer(router, deps);
  enablePeer(router, deps);
  disablePeer(router, deps);
  rotatePeer(router, deps);
  return router;
}
