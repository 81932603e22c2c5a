import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { TenantId } from "../../database/tenancy.ts";
import { tenantOf, userOf } from "../../middleware/access.ts";
import type { KeyScope } from "./store.ts";

/**
 * Whose keys the caller may see, or decide over: his own, with the permission everybody's, and as the operator
 * everybody's of the tenant that he names.
 */
export function reachOf(
  c: Context<AppEnv>,
  permission: "api_keys.read" | "api_keys.write",
): { tenantId: TenantId; scope: KeyScope } {
  if (c.get("principal")?.kind === "operator") {
    return { tenantId: tenantOf(c), scope: { userId: null } };
  }
  const user = userOf(c);
  const userId = user.permissions.has(permission) ? null : user.userId;
  return { tenantId: user.tenantId, scope: { userId } };
}
