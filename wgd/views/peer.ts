import type { ObservedPeer } from "../observed.ts";
import { keyDifferences } from "../plan.ts";
import type { ObservedPeerView } from "../protocol.ts";
import type { Seen } from "../seen/mod.ts";
import type { DesiredTable } from "../desired/table.ts";

/** What the socket says of a peer as it was read back: whether its preshared key is the row's, and never the key. */
export function viewOf(
  peer: ObservedPeer,
  { table, seen }: { table: DesiredTable; seen: Seen },
): ObservedPeerView {
  const { publicKey, latestHandshake } = peer;
  const row = table.byKey(publicKey);
  const repaired = row && seen.repairOf(row.id);
  return {
    public_key: publicKey,
    peer_id: row?.id ?? table.retired.get(publicKey)?.peerId ?? null,
    explanation: table.explain(publicKey),
    allowed_ips: [...peer.allowedIps],
    differs: row ? [...keyDifferences(row, peer, seen.now())] : null,
    drift_repaired: repaired
      ? { at: new Date(repaired.at).toISOString(), differences: [...repaired.kinds] }
      : null,
    endpoint: peer.endpoint,
    last_handshake_at: latestHandshake > 0 ? new Date(latestHandshake * 1000).toISOString() : null,
    received_bytes: peer.receivedBytes,
    sent_bytes: peer.sentBytes,
  };
}

/** All peers as read back, or of one its key and those it had before; null while the interface cannot be read back. */
export function viewsOf(
  peerId: string | undefined,
  known: { table: DesiredTable; seen: Seen },
): ObservedPeerView[] | null {
  const found = known.seen.observed?.peers;
  if (!found) return null;
  const peers = peerId === undefined
    ? [...found.values()]
    : known.table.keysOf(peerId).map((publicKey) => found.get(publicKey));
  return peers.filter((peer) => peer !== undefined).map((peer) => viewOf(peer, known));
}
