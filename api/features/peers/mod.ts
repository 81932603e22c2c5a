import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { createPeersInBulk } from "./bulk_create.ts";
import { createPeer } from "./create_peer.ts";
import { getPeer, getPeers } from "./read_peers.ts";
import { getPeerStats } from "./read_stats.ts";
import { movePeer } from "./move_peer.ts";
import type { PeerScope } from "./scope.ts";
import { rotatePeer } from "./rotate_peer.ts";
import { deletePeer, disablePeer, enablePeer } from "./switch_peer.ts";
import { updatePeer } from "./update_peer.ts";

export { applyNow, waitForOthers } from "./apply.ts";
export { areOff } from "./are_off.ts";
export { makePeer, repeatPeer } from "./create_peer.ts";
export { hostRoute } from "./client_config.ts";
export { peerStatuses } from "./policy.ts";
export { chosenPlaceRefusals, gatewayFor, placeRefusals } from "./placement.ts";
export { holdToQuotas } from "./quota.ts";
export { deliveriesFeature } from "./redeem_delivery.ts";
export {
  checkResolvers,
  futureTime,
  provisionedView,
  type ReadyGateway,
  requireGateway,
  servedAddresses,
} from "./provision.ts";
export { clientSettings, peerId, peerName, provisionedPeer, publicKey } from "./schemas.ts";
export { qrSvg } from "./qr_code.ts";
export { ownPeers, tenantPeers } from "./scope.ts";
export { gatewayOf, readGateway, removePeer, removePeersOf } from "./store.ts";
export { countPeers, listPeersById, readPeer } from "./view_store.ts";

/** `/api/v1/wireguard/peers`, and the same for one's own under `/api/v1/wireguard/me/peers` */
export function peersFeature(deps: Deps, scope: PeerScope): Router {
  const router = createRouter();
  if (!scope.own) createPeersInBulk(router, deps);
  createPeer(router, deps, scope);
  getPeers(router, deps, scope);
  getPeer(router, deps, scope);
  getPeerStats(router, deps, scope);
  updatePeer(router, deps, scope);
  deletePeer(router, deps, scope);
  enablePeer(router, deps, scope);
  disablePeer(router, deps, scope);
  rotatePeer(router, deps, scope);
  if (!scope.own) movePeer(router, deps, scope);
  return router;
}
