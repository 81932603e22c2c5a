import type { Seen } from "./seen.ts";
import type { DaemonStatus } from "./protocol.ts";

/** The text format of Prometheus. No key and no address appears in it. */
export function renderMetrics(status: DaemonStatus, seen: Seen): string {
  const { counts, database } = status;
  const lines: string[] = [];
  const metric = (
    name: string,
    { type, help, values }: {
      type: "gauge" | "counter";
      help: string;
      values: Iterable<readonly [labels: string, value: number]>;
    },
  ) => {
    lines.push(`# HELP massacorp_wgd_${name} ${help}`, `# TYPE massacorp_wgd_${name} ${type}`);
    for (const [labels, value] of values) lines.push(`massacorp_wgd_${name}${labels} ${value}`);
  };
  const gauge = (name: string, help: string, value: number) =>
    metric(name, { type: "gauge", help, values: [["", value]] });
  const counter = (name: string, help: string, value: number) =>
    metric(name, { type: "counter", help, values: [["", value]] });

  gauge("peers_desired", "Peers that belong on the interface.", counts.desired);
  gauge("peers_applied", "Peers read back exactly as desired.", counts.applied);
  gauge("peers_held", "Peers whose row must not be applied.", counts.held);
  gauge("peers_failed", "Peers that could not be brought to what is desired.", counts.failed);
  gauge("keys_unexplained", "Keys on the interface that no row explains.", counts.unexplained);
  gauge("drift", "Differences found by the last full pass.", counts.drift);
  metric("drift_total", {
    type: "counter",
    help: "Differences found since the start, by kind.",
    values: [...seen.driftTotals].map(([kind, count]) => [`{kind="${kind}"}`, count] as const),
  });
  counter("reconciles_total", "Passes over the interface.", seen.passes);
  counter("reconcile_seconds_total", "Time spent in passes.", seen.passSeconds);
  gauge(
    "last_read_back_timestamp_seconds",
    "When the interface was last read back; 0 for never.",
    (seen.lastReadBackAt ?? 0) / 1000,
  );
  gauge(
    "snapshot_timestamp_seconds",
    "When the snapshot was written; 0 where there is none.",
    status.snapshot.written_at === null ? 0 : Date.parse(status.snapshot.written_at) / 1000,
  );
  gauge(
    "snapshot_current",
    "1 when all that was read is in the snapshot.",
    seen.snapshotIsCurrent ? 1 : 0,
  );
  gauge(
    "snapshot_failed",
    "1 when it was refused or cannot be written.",
    status.snapshot.error ? 1 : 0,
  );
  gauge("database_connected", "1 when the database answers.", database === "connected" ? 1 : 0);
  return lines.join("\n") + "\n";
}
