import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { opaque, page, pageOf, pageQuery, readCursor } from "../../paging.ts";
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

const query = pageQuery(z.string().max(600)).extend({
  sort: z.enum(peerOrders).default("created_at"),
  user_id: z.coerce.number().int().positive().max(2 ** 31 - 1).optional(),
  online: z.enum(["true", "false"]).optional(),
  status: z.enum(peerStatuses).optional(),
  kind: z.enum(["permanent", "enrolment"]).optional(),
  q: peerName.optional().openapi({ description: "Part of the name, in any case" }),
});

const place = z.tuple([z.enum(peerOrders), z.uuid(), peerName]);

/** A cursor is the last peer seen, and in which order. */
const placeIn = (order: PeerOrder) => (text: string): PagePlace | undefined => {
  const [of, id, name] = place.parse(JSON.parse(text));
  return of === order ? { id, name } : undefined;
};

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
        pageOf(readPeerSchema),
        "A page of peers, oldest first unless sorted; those on their way out are `revoking`",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor, sort, user_id, online, status, kind, q } = c.req.valid("query");
    const after = readCursor(cursor, placeIn(sort));
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
    return c.json(
      page(peers, {
        limit,
        view: (peer) => peer,
        cursor: ({ id, name }) => opaque(JSON.stringify([sort, id, name])),
      }),
      200,
    );
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
