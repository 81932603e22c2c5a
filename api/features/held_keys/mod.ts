import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { getHeldKeys } from "./list_held_keys.ts";
import { releaseHeldKeys } from "./release_held_keys.ts";

/** `/api/v1/wireguard/held-keys`: keys on the interface that no row explains, for the operator to decide over. */
export function heldKeysFeature(deps: Deps): Router {
  const router = createRouter();
  getHeldKeys(router, deps);
  releaseHeldKeys(router, deps);
  return router;
}
