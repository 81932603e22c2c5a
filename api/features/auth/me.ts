import { createRoute, z } from "@hono/zod-openapi";
import { access, type AccessDeps, userOf } from "../../middleware/access.ts";
import { jsonResponse, type Router, timestamp } from "../../openapi.ts";

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
    operationId: "whoAmI",
    summary: "The caller",
    ...access(deps, null),
    responses: {
      200: jsonResponse(me, "The user behind the token"),
    },
  });
  router.openapi(route, (c) => {
    const { userId, email, sessionId, roles, permissions, profile } = userOf(c);
    return c.json({
      id: userId,
      email,
      name: profile.name,
      created_at: profile.createdAt.toISOString(),
      mfa_enabled: profile.mfaEnabled,
      tenant: profile.tenant,
      roles: [...roles],
      permissions: [...permissions],
      session_id: sessionId,
    }, 200);
  });
}
