import { createRoute } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { auditKey } from "./audit_key.ts";
import { apiKey, keyPath, view } from "./schemas.ts";
import { reachOf } from "./scope.ts";
import { readApiKey, revokeApiKey } from "./store.ts";

export function revokeKey(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}",
    operationId: "revokeApiKey",
    summary: "Revoke a key: one's own, or with `api_keys.write` anybody's",
    ...access(deps, null),
    request: { params: keyPath },
    responses: {
      200: jsonResponse(apiKey, "The key, revoked"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { tenantId, scope } = reachOf(c, "api_keys.write");
    const row = await deps.tenancy.transaction(tenantId, async (sql) => {
      const before = await readApiKey(sql, scope, id, { lock: true });
      if (!before) throw new ApiError("not_found");
      if (before.revoked_at) return before;
      await revokeApiKey(sql, id, new Date(deps.clock.now()));
      await auditKey(sql, c, tenantId, {
        action: "api_key.revoke",
        id,
        details: { name: before.name },
      });
      return await readApiKey(sql, scope, id);
    });
    if (!row) throw new ApiError("not_found");
    return c.json(view(row), 200);
  });
}
