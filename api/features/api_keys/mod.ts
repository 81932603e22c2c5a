import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { createKey } from "./create_key.ts";
import { getKey, getKeys, getKeyUsage } from "./read_keys.ts";
import { revokeKey } from "./revoke_key.ts";
import { rotateKey } from "./rotate_key.ts";

/** `/api/v1/api-keys`: a user's own, and with a permission everybody's of the tenant. Never by a key itself. */
export function apiKeysFeature(deps: Deps): Router {
  const router = createRouter();
  createKey(router, deps);
  getKeys(router, deps);
  getKey(router, deps);
  getKeyUsage(router, deps);
  revokeKey(router, deps);
  rotateKey(router, deps);
  return router;
}
