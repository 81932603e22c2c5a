import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { createGrant } from "./create_grant.ts";
import { getGrants } from "./list_grants.ts";
import { getPolicy } from "./read_policy.ts";
import { replacePolicy } from "./replace_policy.ts";
import { withdrawGrant } from "./withdraw_grant.ts";

export { createInfrastructure, dependenciesOf, type Infrastructure } from "./infrastructure.ts";

/** `/api/v1/wireguard/policy` and `/grants`: what a tenant's peers reach beyond the API, and what they may. */
export function tunnelPolicyFeature(deps: Deps): Router {
  const router = createRouter();
  getPolicy(router, deps);
  replacePolicy(router, deps);
  getGrants(router, deps);
  createGrant(router, deps);
  withdrawGrant(router, deps);
  return router;
}
