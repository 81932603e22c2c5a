import { createRoute } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { policySchema } from "./schemas.ts";
import { readPolicy } from "./store.ts";

export function getPolicy(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/policy",
    operationId: "getPolicy",
    summary: "What the tenant's peers reach beyond the API, and whether that is in force",
    ...access(deps, "wireguard.read"),
    responses: {
      200: jsonResponse(policySchema, "The policy"),
    },
  });
  router.openapi(
    route,
    async (c) => c.json(await deps.tenancy.transaction(tenantOf(c), readPolicy), 200),
  );
}
