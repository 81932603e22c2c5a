import type { DesiredPeer } from "../../wgd/desired.ts";
import type { DaemonStatus } from "../../wgd/protocol.ts";

/** A peer as the daemon reads it: wanted and in order, with nothing recorded of it yet, but for what a test says. */
export function desiredPeer(change: Partial<DesiredPeer> = {}): DesiredPeer {
  return {
    tenantId: 1,
    id: "a",
    publicKey: "A",
    address: "10.10.0.6",
    allowedIps: ["10.10.0.6/32"],
    successor: null,
    presharedKey: null,
    generation: "1",
    active: true,
    expiresAt: null,
    tombstone: false,
    heldBecause: null,
    status: null,
    ...change,
  };
}

/** What a daemon that is well says of itself, but for what a test says. */
export function daemonStatus(change: Partial<DaemonStatus> = {}): DaemonStatus {
  return {
    interface: {
      id: 1,
      name: "wg0",
      backend: "kernel",
      up: true,
      public_key: "dB5wyxXMvaOqgZYBTBYk4vCnNSP0qJpywmDT+ZeuXyU=",
      listen_port: 51820,
      network: "10.10.0.0/24",
      network6: null,
    },
    database: "connected",
    snapshot: { written_at: "2030-01-01T00:00:00.000Z", error: null },
    counts: { desired: 3, applied: 2, drift: 1, held: 1, unexplained: 4, failed: 0 },
    last_reconcile_at: "2030-01-01T00:00:00.000Z",
    last_read_back_at: null,
    last_error: null,
    started_at: "2030-01-01T00:00:00.000Z",
    ...change,
  };
}
