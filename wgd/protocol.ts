import { z } from "zod";
import type { Difference } from "./plan.ts";

export type { Difference };

/**
 * What travels over the daemon's Unix socket, HTTP and JSON. The daemon takes no keys, no addresses and no
 * commands: a caller can only ask it to look again, and what it sees.
 */

/** `POST /v1/reconcile`: look again at these peers, or at everything. */
export const reconcileRequest = z.strictObject({
  peer_ids: z.array(z.uuid().toLowerCase()).max(1000).optional(),
  /** Answer only once `wg` accepted what is new, and the interface was read back without what is gone; otherwise at once. */
  wait: z.boolean().default(true),
});
export type ReconcileRequest = z.input<typeof reconcileRequest>;

/** What became of the peers asked about; where none were named, what failed of all. */
export interface ReconcileResult {
  /** On the interface, exactly as their newest committed row desires, by a read-back or by `wg`'s acceptance. */
  applied: string[];
  /** Read back not to be on the interface, and their row wants that; or the daemon deleted its tombstone once that was so. */
  removed: string[];
  /** No row of this interface has the id, and the daemon remembers none: nothing was looked for. */
  absent: string[];
  /** Neither, with the reason in plain words. */
  failed: { peer_id: string; error: string }[];
}

/** `GET /v1/peers`, or of one peer alone. */
export const peersQuery = z.strictObject({ peer_id: z.uuid().toLowerCase().optional() });

/** `GET /v1/peers`: one peer as observed on the interface. No key but the public one, no preshared key. */
export interface ObservedPeerView {
  public_key: string;
  /** Null for a key that no row explains. */
  peer_id: string | null;
  /** Why the key is there, or why it is left there though no row wants it (docs/decisions/0010). */
  explanation: "row" | "retired" | "released" | "vanished" | "adopted" | "foreign";
  allowed_ips: string[];
  /** Where it is not as its row wants this key, as of the last read-back; null where no row names it. */
  differs: Difference[] | null;
  /** When its peer was last found otherwise than its row, and put right, as long as this daemon lives. */
  drift_repaired: { at: string; differences: Difference[] } | null;
  endpoint: string | null;
  last_handshake_at: string | null;
  received_bytes: number;
  sent_bytes: number;
}

/** `GET /v1/status`. Times are RFC 3339 UTC. */
export interface DaemonStatus {
  interface: {
    id: number;
    name: string;
    backend: "kernel" | "userspace" | null;
    up: boolean;
    public_key: string;
    listen_port: number;
    network: string;
    /** Null where the tunnel has no IPv6. */
    network6: string | null;
  };
  database: "connected" | "disconnected";
  /** The last known good state on disk, from which the tunnel is built when the database is away. */
  snapshot: {
    /** Null where there is none that could be used. */
    written_at: string | null;
    /** Why it was refused or could not be written. */
    error: string | null;
  };
  counts: {
    desired: number;
    applied: number;
    /** Differences found by the last full pass, before it repaired them. */
    drift: number;
    held: number;
    /** Keys on the interface that no row and no tombstone explains: left alone and reported. */
    unexplained: number;
    failed: number;
  };
  last_reconcile_at: string | null;
  last_read_back_at: string | null;
  last_error: string | null;
  started_at: string;
}
