import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { noTenant } from "../../database/tenancy.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, refusals, type Router } from "../../openapi.ts";
import { countPool, countTenantPool } from "./store.ts";

const pool = z.object({
  network: z.string(),
  size: z.int().openapi({ description: "Addresses that peers of all tenants may hold" }),
  used: z.int(),
  resting: z.int().openapi({ description: "Released, and not given out again yet" }),
  free: z.int().openapi({
    description: "For a tenant: what it can take yet, within its quota and what all others left",
  }),
  quota: z.int().nullable().openapi({
    description: "Addresses the tenant may hold, resting ones included; null for the whole pool",
  }),
}).openapi("AddressPool");

/**
 * `GET /wireguard/pool`. A tenant is told its own numbers: those of the whole pool would tell how many peers
 * the others have, and when they make some. The operator without a tenant is told the whole.
 */
export function getPool(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/pool",
    operationId: "getPool",
    summary: "Addresses used, resting and free: the tenant's own, or all for the operator",
    ...access(deps, "wireguard.read"),
    responses: {
      200: jsonResponse(pool, "As of this moment"),
      ...refusals("gateway_not_ready"),
    },
  });
  router.openapi(route, async (c) => {
    const { interfaceId } = deps.settings;
    const everywhere = c.get("principal")?.kind === "operator" && c.get("tenantId") === undefined;
    const tenantId = everywhere ? noTenant : tenantOf(c);
    const counts = await deps.tenancy.transaction(
      tenantId,
      (sql) =>
        everywhere ? countPool(sql, interfaceId) : countTenantPool(sql, { tenantId, interfaceId }),
    );
    if (!counts) throw new ApiError("gateway_not_ready", { retryAfter: 2 });
    return c.json(counts, 200);
  });
}
