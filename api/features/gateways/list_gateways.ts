import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { noTenant } from "../../database/tenancy.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { gatewaySchema } from "./schemas.ts";
import { type AddressCounts, countAddresses, type Gateway, listGateways } from "./store.ts";

export function viewGateway(
  { last_read_back_at, ...gateway }: Gateway,
  counts: AddressCounts | null,
): z.infer<typeof gatewaySchema> {
  return {
    ...gateway,
    last_read_back_at: last_read_back_at?.toISOString() ?? null,
    addresses: counts && { size: counts.size, used: counts.used, free: counts.free },
  };
}

/** How full a gateway is tells of other tenants: for the operator. Nor do retired ones concern anybody else. */
export function getGateways(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listGateways",
    summary: "List the gateways that peers can be on, and which of them live",
    ...access(deps, "wireguard.read"),
    request: { query: pageQuery(z.string().regex(/^\d{1,5}$/, "is not a cursor of this list")) },
    responses: {
      200: jsonResponse(pageOf(gatewaySchema), "A page of gateways, as of this moment"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const isOperator = c.get("principal")?.kind === "operator";
    // Gateways are nobody's in particular; without a tenant set, no row of a tenant shows.
    const { found, counts } = await deps.tenancy.transaction(noTenant, async (sql) => {
      const after = Math.min(Number(cursor ?? 0), 32767);
      const found = await listGateways(sql, { all: isOperator, after, limit: limit + 1 });
      const counts = isOperator ? await countAddresses(sql, found.map(({ id }) => id)) : [];
      return { found, counts };
    });
    const countsOf = (id: number) =>
      counts.find((each) => each.id === id) ?? { id, size: 0, used: 0, free: 0 };
    return c.json(
      page(found, {
        limit,
        view: (gateway) => viewGateway(gateway, isOperator ? countsOf(gateway.id) : null),
        cursor: ({ id }) => String(id),
      }),
      200,
    );
  });
}
