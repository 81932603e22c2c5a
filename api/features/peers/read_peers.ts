import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { peerStatuses } from "./policy.ts";
import { peerId, peerName, readPeerSchema } from "./schemas.ts";
import { ownerOf, type PeerScope } from "./scope.ts";
import {
  listPeers,
  type PagePlace,
  type PeerOrder,
  peerOrders,
  readPeerWithEndpoint,
} from "./view_store.ts";

const query = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(600).optional(),
  sort: z.enum(peerOrders).default("created_at"),
  user_id: z.coerce.number().int().positive().max(2 ** 31 - 1).optional(),
  online: z.enum(["true", "false"]).optional(),
  status: z.enum(peerStatuses).optional(),
  kind: z.enum(["permanent", "enrolment"]).optional(),
  q: peerName.optional().openapi({ description: "Part of the name, in any case" }),
});

const place = z.tuple([z.enum(peerOrders), z.uuid(), peerName]);

/** A cursor is the last peer seen, and in which order; opaque to clients so that it may change. */
function encodeCursor(order: PeerOrder, { id, name }: PagePlace): string {
  const text = JSON.stringify([order, id, name]);
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
}

function decodeCursor(cursor: string, order: PeerOrder): PagePlace {
  try {
    const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
    const [of, id, name] = place.parse(JSON.parse(new TextDecoder().decode(bytes)));
    if (of === order) return { id, name };
  } catch {
    // Answered below like any other text that is no cursor.
  }
  throw invalidField("cursor", "invalid_cursor", "is not a cursor of this list in this order");
}

export function getPeers(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: scope.own ? "listOwnPeers" : "listPeers",
    summary: scope.own ? "List your own peers" : "List the tenant's peers",
    ...access(deps, scope.read),
    request: { query },
    responses: {
      200: jsonResponse(
        z.object({ items: z.array(readPeerSchema), next_cursor: z.string().nullable() }),
        "A page of peers, oldest first unless sorted; those on their way out are `revoking`",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor, sort, user_id, online, status, kind, q } = c.req.valid("query");
    const after = cursor === undefined ? null : decodeCursor(cursor, sort);
    const peers = await deps.tenancy.transaction(tenantOf(c), (sql) =>
      listPeers(sql, {
        filters: {
          owner: ownerOf(c, scope) ?? user_id ?? null,
          online: online === undefined ? null : online === "true",
          status: status ?? null,
          kind: kind ?? null,
          text: q ?? null,
        },
        order: sort,
        after,
        limit: limit + 1,
        now: new Date(deps.clock.now()),
      }));
    const items = peers.slice(0, limit);
    const last = items.at(-1);
    const next_cursor = peers.length > limit && last ? encodeCursor(sort, last) : null;
    return c.json({ items, next_cursor }, 200);
  });
}

export function getPeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "get",
    path: "/{id}",
    operationId: scope.own ? "getOwnPeer" : "getPeer",
    summary: "Read one peer",
    ...access(deps, scope.read),
    request: { params: peerId },
    responses: {
      200: jsonResponse(readPeerSchema, "The peer, without secrets"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const peer = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) =>
        readPeerWithEndpoint(sql, { id, owner: ownerOf(c, scope) }, new Date(deps.clock.now())),
    );
    if (!peer) throw new ApiError("not_found");
    return c.json(peer, 200);
  });
}
