import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import { createRouter, jsonResponse, pageOf, type Router } from "../../openapi.ts";
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
    responses: {
      200: jsonResponse(pageOf(permission), "All of them, in one page"),
    },
  });
  router.openapi(route, async (c) => {
    const items = await deps.platform.transaction(listPermissions);
    return c.json({ items, next_cursor: null }, 200);
  });
  return router;
}
