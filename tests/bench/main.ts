import { auditExport } from "./audit_export.ts";
import { clusterVariable, startTestCluster } from "../support/cluster.ts";
import type { Result } from "./measure.ts";
import { peerActive } from "./peer_active.ts";
import { peerTraffic } from "./peer_traffic.ts";
import { createThroughput } from "./create_throughput.ts";
import { loginUniformity } from "./login_uniformity.ts";
import { tenantQuery } from "./tenant_query.ts";
import { wireguardScale } from "./wireguard_scale.ts";

/** A part of the bench, by the name that runs it alone. */
const parts: Record<string, { needsRoot: boolean; measure: () => Promise<Result[]> }> = {
  "tenant-query": { needsRoot: false, measure: tenantQuery },
  "login-uniformity": {
    needsRoot: false,
    measure: () => loginUniformity({ tries: Deno.args.includes("--quick") ? 20 : 200 }),
  },
  "audit-export": {
    needsRoot: false,
    measure: () => auditExport({ entries: Deno.args.includes("--quick") ? 50_000 : 1_000_000 }),
  },
  "peer-traffic": { needsRoot: false, measure: peerTraffic },
  "peer-active": { needsRoot: true, measure: peerActive },
  "create-throughput": { needsRoot: true, measure: createThroughput },
  "wireguard-scale": {
    needsRoot: true,
    measure: () => wireguardScale({ cycles: Deno.args.includes("--quick") ? 50 : 1_000 }),
  },
};

/**
 * `deno task bench [--json] [--quick] [PART …]`: measures on the real PostgreSQL and the real WireGuard, each thing beside its
 * reference in the same run. Bars are printed; only something broken ends it with an error.
 */
if (import.meta.main) {
  const json = Deno.args.includes("--json");
  const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  const cluster = await startTestCluster();
  Deno.env.set(clusterVariable, cluster.socketFolder);
  const results: Result[] = [];
  const names = Deno.args.filter((arg) => !arg.startsWith("--"));
  try {
    for (const name of names.length > 0 ? names : Object.keys(parts)) {
      const part = parts[name];
      if (!part) throw new Error(`no part ${name}; there are: ${Object.keys(parts).join(", ")}`);
      if (part.needsRoot && Deno.uid() !== 0) {
        Deno.stderr.writeSync(new TextEncoder().encode(`skipped without root: ${name}\n`));
        continue;
      }
      for (const result of await part.measure()) {
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
