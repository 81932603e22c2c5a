import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { createTenant } from "./create_tenant.ts";
import { getCurrentTenant, updateCurrentTenant } from "./current_tenant.ts";
import { getTenants } from "./list_tenants.ts";
import { deleteTenant, resumeTenant, suspendTenant } from "./switch_tenant.ts";
import { getTenant, updateTenant } from "./update_tenant.ts";

/** `/api/v1/tenants`: the operator's view of all, and a tenant's own of itself. */
export function tenantsFeature(deps: Deps): Router {
  const router = createRouter();
  createTenant(router, deps);
  getTenants(router, deps);
  // Before those with an id in the same place.
  getCurrentTenant(router, deps);
  updateCurrentTenant(router, deps);
  getTenant(router, deps);
  updateTenant(router, deps);
  deleteTenant(router, deps);
  suspendTenant(router, deps);
  resumeTenant(router, deps);
  return router;
}
