import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, refusals, type Router } from "../../openapi.ts";
import { formatPorts } from "./reach.ts";
import { grantId } from "./schemas.ts";
import { settle } from "./settle.ts";
import { deleteGrant, lockReach } from "./store.ts";

export function withdrawGrant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/grants/{id}",
    operationId: "withdrawGrant",
    summary: "Withdraw a grant, and close at once what rests on it",
    ...access(deps, "platform.wireguard"),
    request: { params: grantId },
    responses: {
      200: jsonResponse(
        z.object({ removed: z.literal(true) }),
        "The kernel's rules are without it; established flows have ended",
      ),
      202: jsonResponse(
        z.object({ removed: z.literal(false), status: z.literal("revoking") }),
        "Committed, but the daemon has not confirmed yet that it is closed",
      ),
      ...refusals("tenant_required"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const tenantId = tenantOf(c);
    await deps.platform.transaction(async (sql, enter) => {
      await enter(tenantId);
      await lockReach(sql, tenantId);
      const grant = await deleteGrant(sql, { tenantId, id });
      if (!grant) throw new ApiError("not_found");
      const { name, network, protocol, ports } = grant;
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "wireguard.grant_withdraw",
        outcome: "succeeded",
        target: { type: "wg_grant", id },
        details: { name, network, protocol, ports: formatPorts(ports) },
      });
    });
    const { status, gateways } = await settle(deps, c, tenantId);
    // Applied or rejected: either was said of a version without it.
    return status === "pending" || gateways.some((each) => each.status === "pending")
      ? c.json({ removed: false as const, status: "revoking" as const }, 202)
      : c.json({ removed: true as const }, 200);
  });
}
