import { Registry } from "../../lib/metrics.ts";
import type { DesiredPeer } from "../desired.ts";
import type { DaemonStatus } from "../protocol.ts";
import type { Seen } from "../seen/mod.ts";
import { isOnline } from "../traffic/mod.ts";

export interface MetricsView {
  readonly status: DaemonStatus;
  readonly seen: Seen;
  readonly peers: Iterable<DesiredPeer>;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** The text format of Prometheus. No key and no address appears in it; tenants do, by their ids. */
export function renderMetrics({ status, seen, peers, now }: MetricsView): string {
  const { counts, database, snapshot } = status;
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number) =>
    registry.gauge({ name, help }).set({}, value);
  const daemon = (name: string, help: string, value: number) =>
    gauge(`massacorp_wgd_${name}`, help, value);

  daemon("peers_desired", "Peers that belong on the interface.", counts.desired);
  daemon("peers_applied", "Peers read back exactly as desired.", counts.applied);
  daemon("peers_held", "Peers whose row must not be applied.", counts.held);
  daemon("peers_failed", "Peers that could not be brought to what is desired.", counts.failed);
  daemon(
    "keys_unexplained",
    "The brake: keys on the interface that no row explains, held until an operator decides.",
    counts.unexplained,
  );
  daemon("drift", "Differences found by the last full pass.", counts.drift);
  const online = registry.gauge({
    name: "massacorp_wgd_peers_online",
    help: "Peers whose last handshake is less than 180 s old, by tenant id.",
    labels: ["tenant"],
  });
  let all = 0;
  for (const [tenant, count] of onlineByTenant(seen, peers, now)) {
    online.set({ tenant: String(tenant) }, count);
    all += count;
  }
  daemon("online", "Peers of all tenants whose last handshake is less than 180 s old.", all);
  daemon(
    "last_read_back_timestamp_seconds",
    "When the interface was last read back; 0 for never.",
    (seen.lastReadBackAt ?? 0) / 1000,
  );
  daemon(
    "snapshot_timestamp_seconds",
    "When the snapshot was written, whose age is time() less this; 0 where there is none.",
    snapshot.written_at === null ? 0 : Date.parse(snapshot.written_at) / 1000,
  );
  daemon(
    "snapshot_current",
    "1 when all that was read is in the snapshot.",
    seen.snapshotIsCurrent ? 1 : 0,
  );
  daemon(
    "clock_behind_seconds",
    "How far the clock is behind the highest time seen, which counts for expiries.",
    seen.clockBehind / 1000,
  );
  daemon("snapshot_failed", "1 when it was refused or cannot be written.", snapshot.error ? 1 : 0);
  daemon("database_connected", "1 when the database answers.", database === "connected" ? 1 : 0);
  registry.gauge({
    name: "massacorp_wgd_build_info",
    help: "1, with the version of Deno that runs it.",
    labels: ["deno"],
  }).set({ deno: Deno.version.deno }, 1);
  gauge("process_resident_memory_bytes", "Resident memory.", Deno.memoryUsage().rss);
  gauge(
    "process_start_time_seconds",
    "When the process was started.",
    Date.parse(status.started_at) / 1000,
  );
  return registry.render() + seen.meters.render();
}

/** Every tenant that has a peer. */
function onlineByTenant(
  { observed }: Seen,
  peers: Iterable<DesiredPeer>,
  now: number,
): Map<number, number> {
  const online = new Map<number, number>();
  for (const { tenantId, publicKey } of peers) {
    const one = isOnline(observed?.peers.get(publicKey), now) ? 1 : 0;
    online.set(tenantId, (online.get(tenantId) ?? 0) + one);
  }
  return online;
}
