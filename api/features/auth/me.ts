import { createRoute, z } from "@hono/zod-openapi";
import { ApiError } from "../../errors.ts";
import { access, type AccessDeps, userOf } from "../../middleware/access.ts";
import { jsonResponse, refusals, type Router, timestamp } from "../../openapi.ts";
import { readMe } from "./store.ts";

const me = z.object({
  id: z.int(),
  email: z.string(),
  name: z.string(),
  roles: z.array(z.string()),
  permissions: z.array(z.string()),
  mfa_enabled: z.boolean(),
  tenant: z.object({ id: z.int(), slug: z.string(), name: z.string() }),
  session_id: z.uuid(),
  created_at: timestamp,
}).openapi("Me");

export function whoAmI(
  router: Router,
  deps: AccessDeps,
): void {
  const route = createRoute({
    method: "get",
    path: "/me",
    summary: "The caller",
    ...access(deps, null),
    responses: {
      200: jsonResponse(me, "The user behind the token"),
      ...refusals(401, 403, 429, 503),
    },
  });
  router.openapi(route, async (c) => {
    const principal = userOf(c);
    const row = await deps.tenancy.transaction(
      principal.tenantId,
      (sql) => readMe(sql, principal.userId),
    );
    if (!row) throw new ApiError("invalid_token");
    return c.json({
      ...row,
      roles: [...principal.roles],
      permissions: [...principal.permissions],
      session_id: principal.sessionId,
      created_at: row.created_at.toISOString(),
    }, 200);
  });
}
