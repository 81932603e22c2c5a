import assert from "node:assert/strict";
import { parse } from "yaml";
import { testApi } from "../../tests/support/api.ts";
import { parseExposition } from "../../tests/support/exposition.ts";
import { redisServer } from "../../tests/support/redis.ts";
import { until } from "../../tests/support/until.ts";
import { certificate } from "../../tests/support/smtp_certificate.ts";
import { renderMetrics as ofSealer } from "../../sealer/metrics.ts";
import { renderMetrics as ofDaemon } from "../../wgd/views/metrics.ts";
import { Seen } from "../../wgd/seen/mod.ts";

const folder = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, folder));

/** Made by Prometheus itself, and by the backup. */
const foreign = [
  "up",
  "massacorp_backup_last_success_timestamp_seconds",
  "massacorp_backup_last_size_bytes",
  "massacorp_backup_folder_free_bytes",
];

async function exposed(): Promise<Set<string>> {
  await using redis = await redisServer();
  const env = { REDIS_URL: redis.url, BACKUP_METRICS: "/var/lib/massacorp_backup.prom" };
  await using api = await testApi({ env });
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
  const own = async () => (await api.request("/metrics")).text;
  await until("Redis answers", async () => /^massacorp_api_redis_up 1$/m.test(await own()));
  const text = await own() + daemon + sealer;
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
    /`(journalctl|systemctl|docker\s+compose|deno\s+task|massacorpctl|curl|promtool|top|wg|df|timedatectl)[\s`]/;
  for (const entry of section.split(/^### /m).slice(1)) {
    assert.match(entry, command, "an entry without a command");
  }
});

Deno.test("Grafana: what a dashboard asks is provisioned beside it; of a log line level and service alone are labels, wherever it comes from", async () => {
  const sources = async (path: string) =>
    [...(await read(path)).matchAll(/^ {4}uid: (\S+)$/gm)].map(([, uid]) => uid);
  const asked = async (folderOf: string) => {
    const uids = new Set<string>();
    for await (const { name } of Deno.readDir(new URL(folderOf, folder))) {
      if (!name.endsWith(".json")) continue;
      const { panels } = JSON.parse(await read(`${folderOf}/${name}`));
      for (const { datasource } of panels) uids.add(datasource.uid);
    }
    return [...uids];
  };
  assert.deepEqual(
    await asked("grafana/dashboards"),
    await sources("grafana/provisioning/datasources/massacorp.yml"),
  );
  assert.deepEqual(await asked("grafana/loki"), await sources("grafana/loki/datasource.yml"));

  const { scrape_configs: jobs } = parse(await read("grafana/promtail.yml"));
  assert.deepEqual(jobs.map((job: { job_name: string }) => job.job_name), [
    "massacorp",
    "containers",
    "nginx",
  ]);
  for (const { job_name, pipeline_stages: stages } of jobs) {
    const labels = stages.flatMap((stage: { labels?: object }) => Object.keys(stage.labels ?? {}));
    assert.deepEqual(labels, ["level", "service"], job_name);
  }
  const nginx = await read("nginx/massacorp.conf");
  assert.match(nginx, /"level":"info","service":"nginx",.*"request_id":"\$massacorp_request_id"/);
});
