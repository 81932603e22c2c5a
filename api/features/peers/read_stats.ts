import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router, timestamp } from "../../openapi.ts";
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
  events: z.object({
    items: z.array(z.object({
      kind: z.enum(["connected", "disconnected", "endpoint_changed"]),
      at: timestamp,
      endpoint: z.string().nullable(),
    })),
    next_cursor: z.string().nullable(),
  }).openapi({ description: "The latest first; 1,000 of the last 30 days are kept" }),
}).openapi("PeerStats");

const query = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(100).optional(),
});

/** A cursor is the number of the last event seen, opaque to clients. */
const encodeCursor = (n: string) => btoa(`event ${n}`).replaceAll("=", "");
function decodeCursor(cursor: string): string {
  try {
    const n = /^event (\d{1,18})$/.exec(atob(cursor))?.[1];
    if (n !== undefined) return n;
  } catch {
    // Answered below like any other text that is no cursor.
  }
  throw invalidField("cursor", "invalid_cursor", "is not a cursor of this list");
}

export function getPeerStats(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "get",
    path: "/{id}/stats",
    operationId: scope.own ? "getOwnPeerStats" : "getPeerStats",
    summary: "What a peer sent and received, whether it is online, and when it came and went",
    ...access(deps, scope.read),
    request: { params: peerId, query },
    responses: {
      200: jsonResponse(stats, "As the daemon last wrote it; counters never run backwards"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { limit, cursor } = c.req.valid("query");
    const before = cursor === undefined ? null : decodeCursor(cursor);
    const now = new Date(deps.clock.now());
    const found = await deps.tenancy.transaction(tenantOf(c), async (sql) => {
      const traffic = await readTraffic(sql, { id, owner: ownerOf(c, scope) }, now);
      if (!traffic) throw new ApiError("not_found");
      return { traffic, events: await listEvents(sql, { peerId: id, before, limit: limit + 1 }) };
    });
    const { traffic, events } = found;
    const items = events.slice(0, limit);
    const last = items.at(-1);
    return c.json({
      peer_id: id,
      received_bytes: traffic.received_bytes,
      sent_bytes: traffic.sent_bytes,
      online: traffic.online,
      online_since: traffic.online ? traffic.online_since?.toISOString() ?? null : null,
      endpoint: traffic.endpoint,
      last_handshake_at: traffic.last_handshake_at?.toISOString() ?? null,
      counted_at: traffic.seen_at?.toISOString() ?? null,
      events: {
        items: items.map(({ kind, at, endpoint }) => ({ kind, at: at.toISOString(), endpoint })),
        next_cursor: events.length > limit && last ? encodeCursor(last.n) : null,
      },
    }, 200);
  });
}
