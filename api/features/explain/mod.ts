import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { explainPeer } from "./explain_peer.ts";
import { getReceipts } from "./list_receipts.ts";

/** Why a peer is or is not on the interface, and the proof of what went: under `/api/v1/wireguard`. */
export function explainFeature(deps: Deps): Router {
  const router = createRouter();
  explainPeer(router, deps);
  getReceipts(router, deps);
  return router;
}
