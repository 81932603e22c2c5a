import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { tenantSchema, viewTenant } from "./schemas.ts";
import { listTenants } from "./store.ts";

export function getTenants(router: Router, deps: Deps): void {
  const list = createRoute({
    method: "get",
    path: "/",
    operationId: "listTenants",
    summary: "List tenants, oldest first",
    ...access(deps, "platform.tenants"),
    request: {
      query: pageQuery(z.coerce.number().int().min(0).max(2 ** 31 - 1)).extend({
        status: z.enum(["active", "suspended"]).optional(),
      }),
    },
    responses: {
      200: jsonResponse(pageOf(tenantSchema), "A page of tenants"),
    },
  });
  router.openapi(list, async (c) => {
    const { limit, cursor, status } = c.req.valid("query");
    const rows = await deps.platform.transaction((sql) =>
      listTenants(sql, { after: cursor ?? 0, limit: limit + 1, status: status ?? null })
    );
    return c.json(page(rows, { limit, view: viewTenant, cursor: ({ id }) => String(id) }), 200);
  });
}
