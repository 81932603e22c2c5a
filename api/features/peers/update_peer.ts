import { createRoute } from "@hono/zod-openapi";
import { auditSource, changedFields, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { dropDeliveries } from "../deliveries/mod.ts";
import { holdCaller } from "../sessions/mod.ts";
import { applyAndRead } from "./apply.ts";
import { mayOwnerSetExpiry } from "./policy.ts";
import { checkResolvers, futureTime, requireGateway } from "./provision.ts";
import { peerId, peerSchema, updateOwnPeerBody, updatePeerBody } from "./schemas.ts";
import { deciderIn, ownerOf, type PeerScope } from "./scope.ts";
import { lockPeer, readGateway, updatePeerRow } from "./store.ts";
import { readPeer } from "./view_store.ts";

export function updatePeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "patch",
    path: "/{id}",
    operationId: scope.own ? "updateOwnPeer" : "updatePeer",
    summary: "Change a peer",
    description:
      "Fields that are left out stay; null puts a field back to its default. What shapes the client's file reaches the client with its next file.",
    ...access(deps, scope.write),
    request: {
      params: peerId,
      ...jsonRequest(scope.own ? updateOwnPeerBody : updatePeerBody),
    },
    responses: {
      200: jsonResponse(peerSchema, "The peer as it stands now"),
      ...refusals("set_by_admin"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { expires_at, ...changes } = c.req.valid("json");
    const tenantId = tenantOf(c);
    const ref = { id, owner: ownerOf(c, scope) };
    const now = deps.clock.now();
    const asked = typeof expires_at === "string"
      ? futureTime("expires_at", expires_at, now)
      : expires_at;
    await deps.tenancy.transaction(tenantId, async (sql) => {
      const locked = await lockPeer(sql, ref);
      const before = locked && await readPeer(sql, ref, new Date(now));
      if (!before) throw new ApiError("not_found");
      if (scope.own && asked !== undefined && !mayOwnerSetExpiry(locked, asked)) {
        throw new ApiError("set_by_admin");
      }
      // Brought forward by the owner, it stays the admin's.
      const keeps = asked === undefined ||
        scope.own && locked.expires_at !== null && locked.expiry_set_by === "admin";
      const gateway = requireGateway(await readGateway(sql, locked.interface_id));
      const after = { ...before, ...changes };
      if (changes.dns !== undefined || changes.client_allowed_ips !== undefined) {
        checkResolvers(gateway, after);
      }
      // A file that waits was put up for the owner before.
      if (after.user_id !== before.user_id) await dropDeliveries(sql, id);
      await updatePeerRow(sql, id, {
        name: after.name,
        user_id: after.user_id,
        client_allowed_ips: after.client_allowed_ips,
        dns: after.dns,
        mtu: after.mtu,
        persistent_keepalive: after.persistent_keepalive,
        expires_at: asked === undefined ? locked.expires_at : asked,
        expiry_set_by: keeps ? locked.expiry_set_by : deciderIn(scope),
      });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "peer.update",
        outcome: "succeeded",
        target: { type: "peer", id },
        details: changedFields({ ...before }, c.req.valid("json")),
      });
      await holdCaller(sql, c.get("principal"));
    });
    // Handed to somebody else by its owner's admin, it is the caller's no longer.
    return c.json(await applyAndRead(deps, c, ref), 200);
  });
}
