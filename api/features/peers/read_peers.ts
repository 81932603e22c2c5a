import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, refusals, type Router } from "../../openapi.ts";
import { isPeerId, peerId, peerSchema } from "./schemas.ts";
import { ownerOf, type PeerScope } from "./scope.ts";
import { listPeers, readPeer } from "./store.ts";

const query = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(100).optional(),
  user_id: z.coerce.number().int().positive().max(2 ** 31 - 1).optional(),
});

/** A cursor is the last id seen, opaque to clients so that it may change. */
const encodeCursor = (id: string) => btoa(id).replaceAll("=", "");
function decodeCursor(cursor: string): string {
  try {
    const id = atob(cursor);
    if (isPeerId(id)) return id;
  } catch {
    // Answered below like any other text that is no cursor.
  }
  throw invalidField("cursor", "invalid_cursor", "is not a cursor of this list");
}

export function getPeers(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "get",
    path: "/",
    summary: scope.own
      ? "List your own peers, oldest first"
      : "List the tenant's peers, oldest first",
    ...access(deps, scope.read),
    request: { query },
    responses: {
      200: jsonResponse(
        z.object({ items: z.array(peerSchema), next_cursor: z.string().nullable() }),
        "A page of peers; those on their way out are `revoking`",
      ),
      ...refusals(400, 401, 403, 422, 429, 503),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor, user_id } = c.req.valid("query");
    const after = cursor === undefined ? null : decodeCursor(cursor);
    const peers = await deps.tenancy.transaction(tenantOf(c), (sql) =>
      listPeers(sql, {
        after,
        owner: ownerOf(c, scope) ?? user_id ?? null,
        limit: limit + 1,
        now: new Date(deps.clock.now()),
      }));
    const items = peers.slice(0, limit);
    const last = items.at(-1);
    const next_cursor = peers.length > limit && last ? encodeCursor(last.id) : null;
    return c.json({ items, next_cursor }, 200);
  });
}

export function getPeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "get",
    path: "/{id}",
    summary: "Read one peer",
    ...access(deps, scope.read),
    request: { params: peerId },
    responses: {
      200: jsonResponse(peerSchema, "The peer, without secrets"),
      ...refusals(400, 401, 403, 404, 429, 503),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const peer = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => readPeer(sql, { id, owner: ownerOf(c, scope) }, new Date(deps.clock.now())),
    );
    if (!peer) throw new ApiError("not_found");
    return c.json(peer, 200);
  });
}
