import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { noTenant } from "../../database/tenancy.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, refusals, type Router } from "../../openapi.ts";
import { askedGateway, gatewayQuery } from "../gateways/mod.ts";
import { countPool, countTenantPool } from "./store.ts";

const pool = z.object({
  gateway_id: z.int(),
  network: z.string(),
  size: z.int().openapi({
    description: "Addresses of this gateway that peers of all tenants may hold",
  }),
  used: z.int().openapi({ description: "For a tenant: on all gateways, as its quota counts" }),
  resting: z.int().openapi({
    description: "Released, and not given out again yet; for a tenant, on all gateways",
  }),
  free: z.int().openapi({
    description:
      "For a tenant: what it can take of this gateway yet, within its quota and what all others left",
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
    request: { query: gatewayQuery },
    responses: {
      200: jsonResponse(pool, "As of this moment"),
      ...refusals("gateway_not_ready"),
    },
  });
  router.openapi(route, async (c) => {
    const { gateway_id } = c.req.valid("query");
    const isOperator = c.get("principal")?.kind === "operator";
    const everywhere = isOperator && c.get("tenantId") === undefined;
    const tenantId = everywhere ? noTenant : tenantOf(c);
    const counts = await deps.tenancy.transaction(tenantId, async (sql) => {
      const { id } = await askedGateway(deps, sql, gateway_id, { isOperator });
      return everywhere
        ? await countPool(sql, id)
        : await countTenantPool(sql, { tenantId, interfaceId: id });
    });
    if (!counts) throw new ApiError("gateway_not_ready", { retryAfter: 2 });
    return c.json(counts, 200);
  });
}
