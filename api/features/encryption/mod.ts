import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { resealAll } from "./reseal.ts";

export { checkSealingKeys } from "./key_check.ts";

/** `/api/v1/encryption`: the operator's way to another ENCRYPTION_KEY. */
export function encryptionFeature(deps: Deps): Router {
  const router = createRouter();
  resealAll(router, deps);
  return router;
}
