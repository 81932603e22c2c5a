import { createRoute, z } from "@hono/zod-openapi";
import { auditSource } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { gatewayQuery } from "../gateways/mod.ts";
import { applyNow, chosenPlaceRefusals, listPeersById } from "../peers/mod.ts";
import { holdCaller } from "../sessions/mod.ts";
import { importBody, outcome } from "./schemas.ts";
import { rehearse, takeOver } from "./take_over.ts";

export function importPeers(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/import",
    operationId: "importPeers",
    summary: "Take over the peers of another WireGuard server, with their keys and addresses",
    description:
      "Everything that can be taken is, in one transaction; what cannot is answered with its reason. Without `apply` the same is done and rolled back. No client file is made: the clients have theirs.",
    ...access(deps, "platform.wireguard"),
    request: { query: gatewayQuery, ...jsonRequest(importBody) },
    responses: {
      200: jsonResponse(
        z.object({ applied: z.boolean(), items: z.array(outcome) }).openapi("WireGuardImport"),
        "Each peer, in the order of the request",
      ),
      ...refusals(
        "public_key_taken",
        ...chosenPlaceRefusals,
        "tenant_required",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const source = auditSource(c);
    const gatewayId = c.req.valid("query").gateway_id;
    if (!body.apply) {
      return c.json(
        { applied: false, items: await rehearse(deps, { tenantId, source, body, gatewayId }) },
        200,
      );
    }
    const items = await deps.tenancy.transaction(tenantId, async (sql) => {
      const taken = await takeOver(deps, sql, { tenantId, source, body, gatewayId });
      await holdCaller(sql, c.get("principal"));
      return taken;
    });
    const ids = items.flatMap(({ verdict, peer_id }) =>
      peer_id !== null && verdict !== "present" ? [peer_id] : []
    );
    if (ids.length > 0) await applyNow(deps, c, ids);
    const known = items.flatMap(({ peer_id }) => peer_id ?? []);
    const views = await deps.tenancy.transaction(
      tenantId,
      (sql) => listPeersById(sql, known, new Date(deps.clock.now())),
    );
    const statuses = new Map(views.map(({ id, status }) => [id, status]));
    return c.json({
      applied: true,
      items: items.map((item) => ({ ...item, status: statuses.get(item.peer_id ?? "") ?? null })),
    }, 200);
  });
}
