import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, refusals, type Router } from "../../openapi.ts";
import { applyNow } from "./apply.ts";
import { peerId, peerSchema } from "./schemas.ts";
import { readPeer, removePeer, setPeerEnabled } from "./store.ts";

const gone = jsonResponse(
  z.object({ removed: z.literal(true) }),
  "The interface was read back without the peer",
);
const going = jsonResponse(
  z.object({ removed: z.literal(false), status: z.literal("revoking") }),
  "Committed, but the daemon has not confirmed yet that the peer is gone",
);
const refused = refusals(400, 401, 403, 404, 429, 503);

/** Commits a change of one peer together with its audit entry. */
async function change(
  deps: Deps,
  c: Context<AppEnv>,
  { id, action, apply }: {
    id: string;
    action: string;
    apply: (sql: TenantSql) => Promise<boolean>;
  },
): Promise<void> {
  const tenantId = tenantOf(c);
  await deps.tenancy.transaction(tenantId, async (sql) => {
    if (!await apply(sql)) throw new ApiError("not_found");
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c),
      action,
      outcome: "succeeded",
      target: { type: "peer", id },
    });
  });
}

export function deletePeer(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}",
    summary: "Remove a peer for good",
    ...access(deps, "wireguard.write"),
    request: { params: peerId },
    responses: { 200: gone, 202: going, ...refused },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    await change(deps, c, { id, action: "peer.delete", apply: (sql) => removePeer(sql, id) });
    const result = await applyNow(deps, c, [id]);
    if (result?.removed.includes(id)) return c.json({ removed: true as const }, 200);
    return c.json({ removed: false as const, status: "revoking" as const }, 202);
  });
}

export function disablePeer(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/disable",
    summary: "Take a peer off the interface, keeping its keys and address",
    ...access(deps, "wireguard.write"),
    request: { params: peerId },
    responses: { 200: gone, 202: going, ...refused },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    await change(deps, c, {
      id,
      action: "peer.disable",
      apply: (sql) => setPeerEnabled(sql, id, false),
    });
    const result = await applyNow(deps, c, [id]);
    if (result?.removed.includes(id)) return c.json({ removed: true as const }, 200);
    return c.json({ removed: false as const, status: "revoking" as const }, 202);
  });
}

export function enablePeer(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/enable",
    summary: "Put a disabled peer back on the interface",
    ...access(deps, "wireguard.write"),
    request: { params: peerId },
    responses: { 200: jsonResponse(peerSchema, "The peer as it stands now"), ...refused },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    await change(deps, c, {
      id,
      action: "peer.enable",
      apply: (sql) => setPeerEnabled(sql, id, true),
    });
    await applyNow(deps, c, [id]);
    const peer = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => readPeer(sql, id, new Date(deps.clock.now())),
    );
    if (!peer) throw new ApiError("not_found");
    return c.json(peer, 200);
  });
}
