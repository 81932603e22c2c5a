import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { createTenant } from "./create_tenant.ts";
import { getCurrentTenant, updateCurrentTenant } from "./current_tenant.ts";
import { getTenants } from "./list_tenants.ts";
import { updateTenant } from "./update_tenant.ts";

/** `/api/v1/tenants`: the operator's view of all, and a tenant's own of itself. */
export function tenantsFeature(deps: Deps): Router {
  const router = createRouter();
  createTenant(router, deps);
  getTenants(router, deps);
  getCurrentTenant(router, deps);
  updateCurrentTenant(router, deps);
  updateTenant(router, deps);
  return router;
}
