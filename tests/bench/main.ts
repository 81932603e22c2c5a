import { auditExport } from "./audit_export.ts";
import { clusterVariable, startTestCluster } from "../support/cluster.ts";
import { chain } from "./chain.ts";
import { coldBuild } from "./cold_build.ts";
import { commitToKernel } from "./commit_to_kernel.ts";
import type { Result } from "./measure.ts";
import { peerActive } from "./peer_active.ts";
import { peerTraffic } from "./peer_traffic.ts";
import { createThroughput } from "./create_throughput.ts";
import { raised } from "./identity/api_process.ts";
import { eventLoop } from "./identity/event_loop.ts";
import { growth } from "./identity/growth.ts";
import { logins } from "./identity/logins.ts";
import { refreshes } from "./identity/refreshes.ts";
import { requests } from "./identity/requests.ts";
import { soak } from "./identity/soak.ts";
import { loginUniformity } from "./login_uniformity.ts";
import { idleMemory } from "./idle_memory.ts";
import { startup } from "./startup.ts";
import { scaleOut, scalePooler } from "./scale.ts";
import { tenantQuery } from "./tenant_query.ts";
import { wireguardScale } from "./wireguard_scale.ts";

interface Part {
  needsRoot: boolean;
  /** Runs only where it is named. */
  onDemand?: true;
  measure: () => Promise<Result[]> | AsyncIterable<Result>;
}

/** The parts of the bench, by the names that run them alone. */
const parts: Record<string, Part> = {
  "startup": { needsRoot: false, measure: startup },
  "idle-memory": { needsRoot: false, measure: idleMemory },
  "tenant-query": { needsRoot: false, measure: tenantQuery },
  "login-uniformity": {
    needsRoot: false,
    measure: () => loginUniformity({ tries: Deno.args.includes("--quick") ? 20 : 200 }),
  },
  "audit-export": {
    needsRoot: false,
    measure: () => auditExport({ entries: Deno.args.includes("--quick") ? 50_000 : 1_000_000 }),
  },
  "chain": {
    needsRoot: false,
    measure: () => chain({ ms: Deno.args.includes("--quick") ? 500 : 3_000 }),
  },
  "identity-logins": { needsRoot: false, measure: logins },
  "identity-requests": { needsRoot: false, measure: requests },
  "identity-refreshes": { needsRoot: false, measure: refreshes },
  "identity-event-loop": { needsRoot: false, measure: eventLoop },
  "identity-growth": { needsRoot: false, measure: growth },
  // Half an hour: only where it is named.
  "identity-soak": {
    needsRoot: false,
    onDemand: true,
    measure: () => soak({ minutes: Deno.args.includes("--quick") ? 2 : 30 }),
  },
  "scale-out": { needsRoot: false, onDemand: true, measure: scaleOut },
  "scale-pooler": { needsRoot: false, onDemand: true, measure: scalePooler },
  "peer-traffic": { needsRoot: false, measure: peerTraffic },
  "peer-active": { needsRoot: true, measure: peerActive },
  "commit-to-kernel": { needsRoot: true, measure: commitToKernel },
  "create-throughput": { needsRoot: true, measure: createThroughput },
  // A part of wireguard-scale.
  "cold-build": { needsRoot: true, onDemand: true, measure: coldBuild },
  "wireguard-scale": {
    needsRoot: true,
    measure: () => wireguardScale({ cycles: Deno.args.includes("--quick") ? 50 : 1_000 }),
  },
};

/** Parts that make one table together. */
const groups: Record<string, string[]> = {
  scale: ["scale-out", "scale-pooler"],
  wireguard: [
    "tenant-query",
    "peer-active",
    "commit-to-kernel",
    "create-throughput",
    "wireguard-scale",
  ],
};

/**
 * `deno task bench [--json] [--quick] [PART …]`: measures on the real PostgreSQL and the real WireGuard, each thing beside its
 * reference in the same run. Bars are printed; only something broken ends it with an error.
 */
if (import.meta.main) {
  const json = Deno.args.includes("--json");
  const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  const cluster = await startTestCluster({ inMemory: true });
  Deno.env.set(clusterVariable, cluster.socketFolder);
  const results: Result[] = [];
  const names = Deno.args.filter((arg) => !arg.startsWith("--"))
    .flatMap((name) => groups[name] ?? [name]);
  const usual = Object.keys(parts).filter((name) => !parts[name]?.onDemand);
  // Of requests the bench measures the work, and raises what would refuse it.
  Deno.stderr.writeSync(
    new TextEncoder().encode(
      `raised by configuration: ${Object.keys(raised).join(", ")}\n`,
    ),
  );
  try {
    for (const name of names.length > 0 ? names : usual) {
      const part = parts[name];
      if (!part) throw new Error(`no part ${name}; there are: ${Object.keys(parts).join(", ")}`);
      if (part.needsRoot && Deno.uid() !== 0) {
        Deno.stderr.writeSync(new TextEncoder().encode(`skipped without root: ${name}\n`));
        continue;
      }
      for await (const result of await part.measure()) {
        results.push(result);
        if (json) say(JSON.stringify(result));
      }
    }
  } finally {
    await cluster.stop();
  }
  if (!json) say(table(results));
}

function table(results: readonly Result[]): string {
  const rows = [
    ["measured", "value", "reference", "ratio", "bar", "holds"],
    ...results.map(({ name, value, unit, reference, ratio, bar, holds }) => [
      name,
      `${value} ${unit}`,
      reference === null ? "" : `${reference} ${unit}`,
      ratio === null ? "" : String(ratio),
      bar ?? "",
      holds === null ? "" : holds ? "yes" : "NO",
    ]),
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
}
