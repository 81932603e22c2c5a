import { createRoute, z } from "@hono/zod-openapi";
import { isWireGuardKey } from "../../../lib/wireguard_key.ts";
import { auditSource } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { gatewayQuery } from "../gateways/mod.ts";
import {
  applyNow,
  chosenPlaceRefusals,
  listPeersById,
  peerName,
  peerStatuses,
  publicKey,
} from "../peers/mod.ts";
import { importReasons } from "./policy.ts";
import { rehearse, takeOver } from "./take_over.ts";

const importBody = z.strictObject({
  peers: z.array(z.strictObject({
    name: peerName,
    public_key: publicKey,
    preshared_key: z.string().refine(isWireGuardKey, "must be a WireGuard key")
      .openapi({ pattern: "^[A-Za-z0-9+/]{43}=$", maxLength: 44 }).nullable()
      .default(null),
    allowed_ips: z.array(
      z.string().max(49).regex(
        /^[0-9a-fA-F:.]{2,45}(\/\d{1,3})?$/,
        "must be an address or a network",
      ),
    ).max(64).openapi({ description: "As the other server had them for this peer" }),
  })).min(1).max(1000),
  renumber: z.boolean().default(false).openapi({
    description:
      "Gives a peer whose address cannot be kept another one; its client then needs that in its file",
  }),
  apply: z.boolean().default(false).openapi({
    description: "Without it nothing is changed, and the answer says what would be",
  }),
});
export type ImportBody = z.infer<typeof importBody>;

const outcome = z.object({
  name: z.string(),
  public_key: z.string(),
  verdict: z.enum(["taken", "renumbered", "present", "refused"]).openapi({
    description: "`present`: the tenant has a peer of this key already, which is left as it is",
  }),
  reason: z.enum(importReasons).nullable().openapi({
    description: "Why it is refused, or why its address could not be kept",
  }),
  address: z.ipv4().nullable(),
  dropped_ips: z.array(z.string()),
  peer_id: z.uuid().nullable().openapi({ description: "Null where nothing was applied" }),
  status: z.enum(peerStatuses).nullable(),
});
export type Outcome = z.infer<typeof outcome>;

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
    const items = await deps.tenancy.transaction(
      tenantId,
      (sql) => takeOver(deps, sql, { tenantId, source, body, gatewayId }),
    );
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
