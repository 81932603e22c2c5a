import { createRoute, z } from "@hono/zod-openapi";
import { permissions } from "../../auth/permissions.ts";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import { createRouter, jsonResponse, type Router } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { listPermissions } from "./store.ts";

const permission = z.object({
  name: z.string(),
  description: z.string(),
  platform: z.boolean().openapi({
    description: "Reaches beyond one tenant: no role of a tenant can have it",
  }),
}).openapi("Permission");

/** `/api/v1/permissions`: the closed list, the same for everybody. */
export function permissionsFeature(deps: Deps): Router {
  const router = createRouter();
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listPermissions",
    summary: "Everything that can be permitted",
    ...access(deps, "roles.read"),
    request: { query: pageQuery(z.enum(permissions)) },
    responses: {
      200: jsonResponse(pageOf(permission), "A page of them, by name"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await deps.platform.transaction((sql) =>
      listPermissions(sql, { after: cursor ?? "", limit: limit + 1 })
    );
    return c.json(page(rows, { limit, view: (row) => row, cursor: ({ name }) => name }), 200);
  });
  return router;
}
