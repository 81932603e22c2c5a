import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { exportPeers } from "./export_peers.ts";
import { importPeers } from "./import_peers.ts";

/** Peers of other WireGuard installations in, and out again: `/api/v1/wireguard/import` and `/export`. */
export function transferFeature(deps: Deps): Router {
  const router = createRouter();
  importPeers(router, deps);
  exportPeers(router, deps);
  return router;
}
