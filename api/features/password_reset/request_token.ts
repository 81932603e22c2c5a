import { createRoute, z } from "@hono/zod-openapi";
import type { AuditAction } from "../../../lib/audit/actions.ts";
import type { TokenPurpose } from "../../auth/one_time_token_store.ts";
import type { Deps } from "../../deps.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import { email, jsonRequest, jsonResponse, namesTenant, type Router } from "../../openapi.ts";
import { sendToken } from "./send_token.ts";

/** An operation by which anybody has a token sent to an address; its answer tells nobody whether there was one. */
export function requestToken(
  router: Router,
  deps: Deps,
  operation: {
    path: string;
    operationId: string;
    summary: string;
    description: string;
    purpose: TokenPurpose;
    action: AuditAction;
  },
): void {
  const { purpose, action, ...told } = operation;
  const route = createRoute({
    method: "post",
    ...told,
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
    await sendToken(deps, c, { tenantId, email, purpose, action });
    return c.json({ accepted: true as const }, 202);
  });
}
