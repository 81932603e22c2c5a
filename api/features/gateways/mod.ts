import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { announceGateway } from "./announce_gateway.ts";
import { announceKey } from "./announce_key.ts";
import { changeGateway, retireGateway } from "./change_gateway.ts";
import { getGateways } from "./list_gateways.ts";

export { askedGateway, gatewayQuery } from "./asked.ts";
export { placeOf } from "./policy.ts";
export { listPlaces, readGatewayState } from "./store.ts";

/** `/api/v1/wireguard/gateways`: where peers can be. */
export function gatewaysFeature(deps: Deps): Router {
  const router = createRouter();
  getGateways(router, deps);
  announceGateway(router, deps);
  changeGateway(router, deps);
  retireGateway(router, deps);
  announceKey(router, deps);
  return router;
}
