import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, namesTenant, type Router } from "../../openapi.ts";
import { email } from "../users/mod.ts";
import { sendToken } from "./send_token.ts";

export function requestReset(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/request",
    operationId: "requestPasswordReset",
    summary: "Have a link for a new password sent to one's address",
    description:
      "Answered alike, and at one time, whether there is such a user or not. The link is good for 30 minutes; asking again by the same way (a peer of the user's own, or any other) voids the one before.",
    ...limitedAccess(deps, "login"),
    ...namesTenant,
    request: jsonRequest(z.strictObject({ email })),
    responses: {
      202: jsonResponse(z.object({ accepted: z.literal(true) }), "Asked for"),
    },
  });
  router.openapi(route, async (c) => {
    const { email } = c.req.valid("json");
    const tenantId = await namedTenant(deps, c);
    const asked = { tenantId, email, purpose: "password_reset" } as const;
    await sendToken(deps, c, { ...asked, action: "password_reset.request" });
    return c.json({ accepted: true as const }, 202);
  });
}
