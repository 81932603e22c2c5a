import type { SealerState } from "./audit_sealer.ts";

/** Seconds that an entry may have waited by now, if it came right after the last round. */
export function lagSeconds(state: SealerState, now: number): number {
  return Math.max(0, now - state.lastRoundAt, state.waitedMs) / 1000;
}

/** The text format of Prometheus. It names no tenant. */
export function renderMetrics(state: SealerState, now: number): string {
  const lines: string[] = [];
  const metric = (name: string, type: "gauge" | "counter", help: string, value: number) =>
    lines.push(
      `# HELP massacorp_audit_${name} ${help}`,
      `# TYPE massacorp_audit_${name} ${type}`,
      `massacorp_audit_${name} ${value}`,
    );
  metric("leading", "gauge", "1 while this sealer is the one that seals.", state.leading ? 1 : 0);
  metric("lag_seconds", "gauge", "How long an entry may wait unsealed.", lagSeconds(state, now));
  metric("unsealed", "gauge", "Entries without a seal, up to 100,000.", state.unsealed);
  metric("sealed_total", "counter", "Entries sealed since the start.", state.sealedTotal);
  metric("failures_total", "counter", "Rounds that failed since the start.", state.failuresTotal);
  metric("checkpoint", "gauge", "Number of the newest signed checkpoint.", state.checkpoint);
  metric(
    "checkpoint_timestamp_seconds",
    "gauge",
    "When it was made, or found at the start; 0 for never.",
    state.lastCheckpointAt / 1000,
  );
  metric(
    "trusted",
    "gauge",
    "0 when the audit log is not what was sealed; nothing is signed then.",
    state.distrust === null ? 1 : 0,
  );
  metric("misplaced_rows", "gauge", "Rows of months without a partition.", state.misplaced);
  return lines.join("\n") + "\n";
}
