import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router, timestamp } from "../../openapi.ts";
import { opaque, page, pageOf, pageQuery, readCursor } from "../../paging.ts";
import { peerId } from "./schemas.ts";
import { ownerOf, type PeerScope } from "./scope.ts";
import { listEvents, readTraffic } from "./traffic_store.ts";

const stats = z.object({
  peer_id: z.uuid(),
  received_bytes: z.int().openapi({ description: "What the peer sent, handshakes included" }),
  sent_bytes: z.int().openapi({ description: "What was sent to the peer" }),
  online: z.boolean().openapi({ description: "Its last handshake is less than 180 s old" }),
  online_since: timestamp.nullable(),
  endpoint: z.string().nullable(),
  last_handshake_at: timestamp.nullable(),
  counted_at: timestamp.nullable().openapi({
    description: "When the daemon wrote this; null for a peer that never spoke",
  }),
  events: pageOf(z.object({
    kind: z.enum(["connected", "disconnected", "endpoint_changed"]),
    at: timestamp,
    endpoint: z.string().nullable(),
  })).openapi({ description: "The latest first; 1,000 of the last 30 days are kept" }),
}).openapi("PeerStats");

/** A cursor is the number of the last event seen. */
const numberIn = (text: string) => /^event (\d{1,18})$/.exec(text)?.[1];

export function getPeerStats(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "get",
    path: "/{id}/stats",
    operationId: scope.own ? "getOwnPeerStats" : "getPeerStats",
    summary: "What a peer sent and received, whether it is online, and when it came and went",
    ...access(deps, scope.read),
    request: { params: peerId, query: pageQuery(z.string().max(100)) },
    responses: {
      200: jsonResponse(stats, "As the daemon last wrote it; counters never run backwards"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { limit, cursor } = c.req.valid("query");
    const before = readCursor(cursor, numberIn);
    const now = new Date(deps.clock.now());
    const found = await deps.tenancy.transaction(tenantOf(c), async (sql) => {
      const traffic = await readTraffic(sql, { id, owner: ownerOf(c, scope) }, now);
      if (!traffic) throw new ApiError("not_found");
      return { traffic, events: await listEvents(sql, { peerId: id, before, limit: limit + 1 }) };
    });
    const { traffic, events } = found;
    return c.json({
      peer_id: id,
      received_bytes: traffic.received_bytes,
      sent_bytes: traffic.sent_bytes,
      online: traffic.online,
      online_since: traffic.online ? traffic.online_since?.toISOString() ?? null : null,
      endpoint: traffic.endpoint,
      last_handshake_at: traffic.last_handshake_at?.toISOString() ?? null,
      counted_at: traffic.seen_at?.toISOString() ?? null,
      events: page(events, {
        limit,
        view: ({ kind, at, endpoint }) => ({ kind, at: at.toISOString(), endpoint }),
        cursor: ({ n }) => opaque(`event ${n}`),
      }),
    }, 200);
  });
}
