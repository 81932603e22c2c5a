import { createRoute, z } from "@hono/zod-openapi";
import { decodeJwt } from "jose";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limitedAccess } from "../../middleware/access.ts";
import { findUser } from "../../middleware/authenticate.ts";
import { fitsTunnel, refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { jsonRequest, jsonResponse, type Router } from "../../openapi.ts";

const claims = z.object({
  active: z.boolean().openapi({
    description: "Whether this very request could have been made with the token",
  }),
  sub: z.string().optional(),
  tenant_id: z.int().optional(),
  email: z.string().optional(),
  sid: z.uuid().optional(),
  jti: z.string().optional(),
  iat: z.int().optional(),
  exp: z.int().optional(),
}).openapi("VerifiedToken");

type VerifyTokenDeps = Pick<Deps, "tenancy" | "tokens" | "clock" | "limits">;

/** Introspection as RFC 7662 answers it: of a token that is good for nothing, nothing but that is told. */
export function verifyToken(router: Router, deps: VerifyTokenDeps): void {
  const route = createRoute({
    method: "post",
    path: "/verify-token",
    operationId: "verifyToken",
    summary: "Whether an access token is good at this moment, and what it says",
    description:
      "Looks the session up as any request with the token would. Any other token, ended, foreign or of another type, is `{active: false}`.",
    ...limitedAccess(deps, "anonymous"),
    request: jsonRequest(z.strictObject({ token: z.string().min(1).max(4096) })),
    responses: {
      200: jsonResponse(claims, "The claims of the token, or that it is not active"),
    },
  });
  router.openapi(route, async (c) => {
    const { token } = c.req.valid("json");
    const found = await findUser(deps, token).catch((error) => {
      if (error instanceof ApiError && error.code === "invalid_token") return undefined;
      throw error;
    });
    if (!found) return c.json({ active: false }, 200);
    const { user, ownPeerOnly } = found;
    if (!fitsTunnel(c.get("peer"), { ...user, ownPeerOnly })) {
      await refuseTunnel(deps, c, { ...user, reason: "token of another owner" });
    }
    return c.json(claims.parse({ ...decodeJwt(token), active: true }), 200);
  });
}
