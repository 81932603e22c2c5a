import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
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
    request: {
      query: z.object({
        limit: z.coerce.number().int().min(1).max(200).default(50),
        cursor: z.uuid("is not a cursor of this list").optional(),
      }),
    },
    responses: {
      200: jsonResponse(
        z.object({ items: z.array(grantSchema), next_cursor: z.string().nullable() }),
        "A page of grants",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const grants = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => listGrants(sql, { after: cursor ?? null, limit: limit + 1 }),
    );
    const items = grants.slice(0, limit).map(viewGrant);
    const next_cursor = grants.length > limit ? items.at(-1)?.id ?? null : null;
    return c.json({ items, next_cursor }, 200);
  });
}
