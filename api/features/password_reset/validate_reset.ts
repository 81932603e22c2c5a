import { createRoute, z } from "@hono/zod-openapi";
import { broughtToken } from "../../auth/one_time_token.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limitedAccess } from "../../middleware/access.ts";
import { jsonResponse, namesTenant, type Router, timestamp } from "../../openapi.ts";
import { findBearer } from "./bearer.ts";

export function validateReset(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/validate/{token}",
    operationId: "validatePasswordReset",
    summary: "Whether a link for a new password is good; it stays so",
    ...limitedAccess(deps, "anonymous"),
    ...namesTenant,
    request: { params: z.object({ token: broughtToken }) },
    responses: {
      200: jsonResponse(z.object({ valid: z.literal(true), expires_at: timestamp }), "It is"),
    },
  });
  router.openapi(route, async (c) => {
    const bearer = await findBearer(deps, c, {
      token: c.req.valid("param").token,
      purpose: "password_reset",
    });
    if (!bearer) throw new ApiError("not_found");
    return c.json(
      { valid: true as const, expires_at: bearer.owner.expires_at.toISOString() },
      200,
    );
  });
}
