import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import type { AuditAction } from "../../../lib/audit/actions.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, refusals, type Router } from "../../openapi.ts";
import { holdCaller } from "../sessions/mod.ts";
import { applyAndRead, applyNow } from "./apply.ts";
import { peerId, peerSchema } from "./schemas.ts";
import { deciderIn, ownerOf, type PeerRef, type PeerScope } from "./scope.ts";
import { disablePeerRow, enablePeerRow, lockPeer, removePeer } from "./store.ts";
import { readPeerAlone } from "./view_store.ts";

const removal = {
  200: jsonResponse(
    z.object({ removed: z.literal(true) }),
    "The interface was read back without the peer",
  ),
  202: jsonResponse(
    z.object({ removed: z.literal(false), status: z.literal("revoking") }),
    "Committed, but the daemon has not confirmed yet that the peer is gone",
  ),
  ...refusals("overtaken"),
};

/** Commits a change of one peer together with its audit entry. */
async function change(
  deps: Deps,
  c: Context<AppEnv>,
  { ref, action, apply }: {
    ref: PeerRef;
    action: AuditAction;
    apply: (sql: TenantSql, ref: PeerRef) => Promise<boolean>;
  },
): Promise<void> {
  const tenantId = tenantOf(c);
  await deps.tenancy.transaction(tenantId, async (sql) => {
    if (!await apply(sql, ref)) throw new ApiError("not_found");
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c),
      action,
      outcome: "succeeded",
      target: { type: "peer", id: ref.id },
    });
    if (action === "peer.enable") await holdCaller(sql, c.get("principal"));
  });
}

/** What takes a peer off the interface, and answers only with what was read back. */
function takeOff(
  router: Router,
  deps: Deps,
  operation: {
    name: "deletePeer" | "disablePeer";
    method: "delete" | "post";
    path: string;
    summary: string;
    scope: PeerScope;
    action: AuditAction;
    apply: (sql: TenantSql, ref: PeerRef) => Promise<boolean>;
  },
): void {
  const { name, method, path, summary, scope, action, apply } = operation;
  const route = createRoute({
    method,
    path,
    operationId: scope.own ? name.replace("Peer", "OwnPeer") : name,
    summary,
    ...access(deps, scope.write),
    request: { params: peerId },
    responses: removal,
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    await change(deps, c, { ref: { id, owner: ownerOf(c, scope) }, action, apply });
    const result = await applyNow(deps, c, [id]);
    if (result?.removed.includes(id) || await isProvenOff(deps, c, id)) {
      return c.json({ removed: true as const }, 200);
    }
    return c.json({ removed: false as const, status: "revoking" as const }, 202);
  });
}

/**
 * Asks the rows where the daemon did not say that the peer is gone. Only the daemon deletes a tombstone, and
 * only once it has read the interface back without the peer; so a row that is gone is a proof as well.
 * @throws {ApiError} `overtaken` where somebody put the peer back meanwhile
 */
async function isProvenOff(deps: Deps, c: Context<AppEnv>, id: string): Promise<boolean> {
  const peer = await readPeerAlone(deps.tenancy, tenantOf(c), {
    id,
    owner: null,
    now: new Date(deps.clock.now()),
  });
  if (peer && (peer.status === "active" || peer.status === "pending")) {
    throw new ApiError("overtaken", {
      detail: `the peer was enabled again, and is ${peer.status}`,
    });
  }
  return !peer || peer.status !== "revoking";
}

export function deletePeer(router: Router, deps: Deps, scope: PeerScope): void {
  takeOff(router, deps, {
    name: "deletePeer",
    method: "delete",
    path: "/{id}",
    summary: "Remove a peer for good",
    scope,
    action: "peer.delete",
    apply: removePeer,
  });
}

export function disablePeer(router: Router, deps: Deps, scope: PeerScope): void {
  takeOff(router, deps, {
    name: "disablePeer",
    method: "post",
    path: "/{id}/disable",
    summary: "Take a peer off the interface, keeping its keys and address",
    scope,
    action: "peer.disable",
    apply: (sql, ref) => disablePeerRow(sql, ref, deciderIn(scope)),
  });
}

export function enablePeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/enable",
    operationId: scope.own ? "enableOwnPeer" : "enablePeer",
    summary: "Put a disabled peer back on the interface",
    ...access(deps, scope.write),
    request: { params: peerId },
    responses: {
      200: jsonResponse(peerSchema, "The peer as it stands now"),
      ...refusals("set_by_admin"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const ref = { id, owner: ownerOf(c, scope) };
    await change(deps, c, {
      ref,
      action: "peer.enable",
      apply: async (sql, ref) => {
        const peer = await lockPeer(sql, ref);
        if (!peer) return false;
        if (scope.own && !peer.enabled && peer.disabled_by === "admin") {
          throw new ApiError("set_by_admin");
        }
        await enablePeerRow(sql, id);
        return true;
      },
    });
    return c.json(await applyAndRead(deps, c, ref), 200);
  });
}
