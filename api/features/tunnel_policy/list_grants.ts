import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { formatPorts } from "./reach.ts";
import { grantSchema } from "./schemas.ts";
import { type Grant, listGrants } from "./store.ts";

export function viewGrant({ created_at, ports, ...grant }: Grant) {
  return { ...grant, ports: formatPorts(ports), created_at: created_at.toISOString() };
}

export function getGrants(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/grants",
    operationId: "listGrants",
    summary: "List what the operator lets the tenant open, oldest first",
    ...access(deps, "wireguard.read"),
    request: { query: pageQuery(z.uuid("is not a cursor of this list")) },
    responses: {
      200: jsonResponse(pageOf(grantSchema), "A page of grants"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const grants = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => listGrants(sql, { after: cursor ?? null, limit: limit + 1 }),
    );
    return c.json(page(grants, { limit, view: viewGrant, cursor: ({ id }) => id }), 200);
  });
}
