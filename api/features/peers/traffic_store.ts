import type { TenantSql } from "../../database/tenancy.ts";
import type { PeerRef } from "./scope.ts";
import { ownedBy } from "./store.ts";
import { isOnline } from "./view_store.ts";

/** What is told of a peer's traffic, but for its events. */
export interface TrafficRow {
  received_bytes: number;
  sent_bytes: number;
  online: boolean;
  online_since: Date | null;
  endpoint: string | null;
  last_handshake_at: Date | null;
  seen_at: Date | null;
}

/** Bytes beyond 2^53 lose their last digits. */
export async function readTraffic(
  sql: TenantSql,
  ref: PeerRef,
  now: Date,
): Promise<TrafficRow | undefined> {
  const [row] = await sql<TrafficRow[]>`
    select coalesce(f.received_bytes, 0)::float8 as received_bytes,
      coalesce(f.sent_bytes, 0)::float8 as sent_bytes, ${isOnline(sql, now)} as online,
      f.online_since, f.endpoint, f.last_handshake_at, f.seen_at
    from wg_peers p
    left join wg_peer_traffic f on f.tenant_id = p.tenant_id and f.peer_id = p.id
    where p.id = ${ref.id} ${ownedBy(sql, ref.owner)}`;
  return row;
}

export interface EventRow {
  n: string;
  kind: "connected" | "disconnected" | "endpoint_changed";
  at: Date;
  endpoint: string | null;
}

/** The latest first. @param page.before the number that the last page ended with */
export async function listEvents(
  sql: TenantSql,
  page: { peerId: string; before: string | null; limit: number },
): Promise<EventRow[]> {
  return await sql<EventRow[]>`
    select n::text, kind, at, endpoint from wg_peer_events
    where peer_id = ${page.peerId} and (${page.before}::bigint is null or n < ${page.before})
    order by n desc limit ${page.limit}`;
}
