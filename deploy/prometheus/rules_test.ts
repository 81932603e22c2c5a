import assert from "node:assert/strict";
import { testApi } from "../../tests/support/api.ts";
import { parseExposition } from "../../tests/support/exposition.ts";
import { certificate } from "../../tests/support/smtp_certificate.ts";
import { renderMetrics as ofSealer } from "../../sealer/metrics.ts";
import { renderMetrics as ofDaemon } from "../../wgd/metrics.ts";
import { Seen } from "../../wgd/seen.ts";

const folder = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, folder));

/** Made by Prometheus itself, and by the backup for node_exporter. */
const foreign = ["up", "massacorp_backup_last_success_timestamp_seconds"];

async function exposed(): Promise<Set<string>> {
  await using api = await testApi();
  api.deps.meters.certificate(certificate);
  const daemon = ofDaemon({
    status: {
      interface: {
        ...{ id: 1, name: "wg0", backend: "kernel", up: true, public_key: "", listen_port: 1 },
        ...{ network: "10.10.0.0/24", network6: null },
      },
      database: "connected",
      snapshot: { written_at: null, error: null },
      counts: { desired: 0, applied: 0, drift: 0, held: 0, unexplained: 0, failed: 0 },
      ...{ last_reconcile_at: null, last_read_back_at: null, last_error: null },
      started_at: "2030-01-01T00:00:00.000Z",
    },
    seen: new Seen(),
    peers: [],
    now: 0,
  });
  const sealer = ofSealer({
    ...{ leading: true, sealedTotal: 0, failuresTotal: 0, lastRoundAt: 0, lastCheckpointAt: 0 },
    ...{ checkpoint: 0, waitedMs: 0, unsealed: 0, distrust: null, misplaced: 0 },
  }, 0);
  const text = (await api.request("/metrics")).text + daemon + sealer;
  const names = new Set(foreign);
  for (const [name, { type }] of parseExposition(text)) {
    const suffixes = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    for (const suffix of suffixes) names.add(name + suffix);
  }
  return names;
}

/** Names of metrics in an expression: what is neither a label, nor a function, nor a word of the language. */
const metricsIn = (expression: string) =>
  expression.replaceAll(/\{[^}]*\}|\b(by|without) \([^)]*\)|"[^"]*"|\[[^\]]*\]/g, " ")
    .match(/\b(up|(massacorp|process)_\w+)\b/g) ?? [];

Deno.test("alerts, dashboards: name metrics that there are, and nothing that is one tenant's", async () => {
  const expressions = [...(await read("prometheus/rules.yml")).matchAll(/expr: >-\n\s+(.+)/g)]
    .map(([, expression = ""]): [where: string, expression: string] => ["rules.yml", expression]);
  assert.ok(expressions.length >= 20);
  for await (const { name } of Deno.readDir(new URL("grafana/dashboards", folder))) {
    const { panels } = JSON.parse(await read(`grafana/dashboards/${name}`));
    for (const { title, type, targets } of panels) {
      if (type === "logs") continue;
      for (const { expr } of targets) expressions.push([`${name}: ${title}`, expr]);
    }
  }
  const known = await exposed();
  for (const [where, expression] of expressions) {
    const names = metricsIn(expression);
    assert.ok(names.length > 0, `${where}: ${expression}`);
    for (const name of names) assert.ok(known.has(name), `${where}: no metric ${name}`);
    assert.doesNotMatch(expression, /tenant|peers_online/, where);
  }
});

Deno.test("alerts: each has its entry in docs/operations.md, and none stands there without one", async () => {
  const rules = await read("prometheus/rules.yml");
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  const links = [...rules.matchAll(/runbook: docs\/operations\.md#(\w+)/g)].map(([, at]) => at);
  assert.deepEqual(links, alerts.map((name) => name.toLowerCase()));
  const operations = await read("../docs/operations.md");
  const section = operations.split(/^## When an alert fires$/m)[1]?.split(/^## /m)[0] ?? "";
  const entries = [...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(entries, alerts);
  const command =
    /`(journalctl|systemctl|docker\s+compose|deno\s+task|massacorpctl|curl|promtool|top|wg|df)\s/;
  for (const entry of section.split(/^### /m).slice(1)) {
    assert.match(entry, command, "an entry without a command");
  }
});
