import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { getRole, getRoles } from "./read_roles.ts";
import { createRole, removeRole, updateRole } from "./write_roles.ts";

export { permissionsFeature } from "./list_permissions.ts";
export {
  refuseBeyondOwn,
  refuseGrantBeyondOwn,
  refuseOverEqual,
  refuseOverMightier,
} from "./policy.ts";
export { findRole, insertUserRole, lockUser, permissionsOfRole, type RoleRow } from "./store.ts";
export { userRoles } from "./user_roles.ts";

/** `/api/v1/roles` */
export function rolesFeature(deps: Deps): Router {
  const router = createRouter();
  createRole(router, deps);
  getRoles(router, deps);
  getRole(router, deps);
  updateRole(router, deps);
  removeRole(router, deps);
  return router;
}
