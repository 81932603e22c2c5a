import assert from "node:assert/strict";
import { glob } from "node:fs/promises";
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

/** Made by Prometheus itself, by node_exporter where there is one, and by the backup. */
const foreign = [
  "up",
  "node_filesystem_avail_bytes",
  "node_filesystem_size_bytes",
  "node_filesystem_readonly",
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
    .match(/\b(up|(massacorp|process|node)_\w+)\b/g) ?? [];

/** Labels that an expression chooses or groups by. */
const labelsIn = (expression: string) => [
  ...[...expression.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = ""]) => label),
  ...[...expression.matchAll(/\bby \(([^)]*)\)/g)]
    .flatMap(([, labels = ""]) => labels.split(", ")),
];

/** The labels of each metric that has any, from where they are declared: a label is there with its first event alone. */
async function declaredLabels(): Promise<Map<string, string[]>> {
  const labels = new Map<string, string[]>();
  for await (const path of glob(["api/**/*.ts", "wgd/**/*.ts"], { cwd: new URL("..", folder) })) {
    const declared = (await read(`../${path}`)).matchAll(/name: "(massacorp_\w+)",([^}]*)\}/g);
    for (const [, name = "", rest = ""] of declared) {
      const [, listed = ""] = /labels: \[([^\]]*)\]/.exec(rest) ?? [];
      labels.set(name, listed.match(/\w+/g) ?? []);
    }
  }
  return labels;
}

interface Asked {
  where: string;
  expression: string;
  /** What the panel writes beside the line, such as `{{route}}`. */
  legend: string;
}

async function expressions(): Promise<Asked[]> {
  const all = [...(await read("prometheus/rules.yml")).matchAll(/expr: >-\n\s+(.+)/g)]
    .map(([, expression = ""]): Asked => ({ where: "rules.yml", expression, legend: "" }));
  assert.ok(all.length >= 20);
  for await (const { name } of Deno.readDir(new URL("grafana/dashboards", folder))) {
    const { panels } = JSON.parse(await read(`grafana/dashboards/${name}`));
    for (const { title, targets } of panels) {
      for (const { expr, legendFormat } of targets) {
        all.push({ where: `${name}: ${title}`, expression: expr, legend: legendFormat });
      }
    }
  }
  return all;
}

Deno.test("alerts, dashboards: name metrics that there are, by labels that these have, and nothing that is one tenant's", async () => {
  const known = await exposed();
  const labels = await declaredLabels();
  assert.deepEqual(labels.get("massacorp_api_request_seconds"), ["method", "route"]);
  for (const { where, expression, legend } of await expressions()) {
    const names = metricsIn(expression);
    assert.ok(names.length > 0, `${where}: ${expression}`);
    for (const name of names) assert.ok(known.has(name), `${where}: no metric ${name}`);
    const there = ["job", "instance", "le"].concat(
      names.flatMap((name) => labels.get(name.replace(/_bucket$/, "")) ?? []),
    );
    const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
    for (const label of [...labelsIn(expression), ...shown]) {
      assert.ok(there.includes(label), `${where}: no label ${label}`);
    }
    assert.doesNotMatch(expression, /tenant|peers_online/, where);
  }
});

Deno.test("alerts: promtool is asked of each whether it fires, and whether it is silent while all is well", async () => {
  interface Question {
    alertname: string;
    exp_alerts?: unknown[];
  }
  interface Trial {
    alert_rule_test: Question[];
  }
  const alerts = [...(await read("prometheus/rules.yml")).matchAll(/- alert: (\w+)/g)]
    .map(([, name = ""]) => name).toSorted();
  const trials: Trial[] = parse(await read("prometheus/rules_test.yml")).tests;
  /** Of those, what is asked and answered so. */
  const asked = (of: Trial[], fires: boolean) => {
    const questions = of.flatMap((trial) => trial.alert_rule_test);
    const names = questions.filter(({ exp_alerts: expected = [] }) => expected.length > 0 === fires)
      .map(({ alertname }) => alertname);
    return [...new Set(names)].toSorted();
  };
  assert.deepEqual(asked(trials.slice(0, 1), false), alerts);
  assert.deepEqual(asked(trials.slice(1), true), alerts);
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
