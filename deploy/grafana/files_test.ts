import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";

const folder = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, folder));

/** Strict: of what is written here promtail's documentation knows each key, and a typo is none of them. */
const promtailSchema = z.strictObject({
  server: z.strictObject({ disable: z.literal(true) }),
  positions: z.strictObject({ filename: z.string() }),
  clients: z.array(z.strictObject({ url: z.url() })),
  scrape_configs: z.array(z.strictObject({
    job_name: z.string(),
    journal: z.strictObject({ matches: z.string() }).optional(),
    static_configs: z.array(z.strictObject({
      targets: z.array(z.string()),
      labels: z.strictObject({ job: z.string().optional(), __path__: z.string() }),
    })).optional(),
    relabel_configs: z.array(z.strictObject({
      source_labels: z.array(z.string()),
      regex: z.string(),
      action: z.literal("keep"),
    })).optional(),
    pipeline_stages: z.array(z.union([
      z.strictObject({ docker: z.strictObject({}) }),
      z.strictObject({
        json: z.strictObject({ expressions: z.record(z.string(), z.string()) }),
      }),
      z.strictObject({ labels: z.record(z.string(), z.null()) }),
      z.strictObject({ timestamp: z.strictObject({ source: z.string(), format: z.string() }) }),
      z.strictObject({
        match: z.strictObject({ selector: z.string(), action: z.literal("drop") }),
      }),
    ])),
  })),
});

Deno.test("promtail.yml: of a log line level and service alone are labels, wherever it comes from, and where it reads they are written", async () => {
  const { scrape_configs: jobs } = promtailSchema.parse(
    parse(await read("grafana/promtail.yml"), { merge: true }),
  );
  assert.deepEqual(jobs.map(({ job_name: name }) => name), ["massacorp", "containers", "nginx"]);
  for (const { job_name, pipeline_stages: stages } of jobs) {
    const labels = stages.flatMap((stage) => "labels" in stage ? Object.keys(stage.labels) : []);
    assert.deepEqual(labels, ["level", "service"], job_name);
  }
  const [journal, containers, nginx] = jobs;
  for await (const { name } of Deno.readDir(new URL("systemd", folder))) {
    if (!name.endsWith(".service")) continue;
    const [keep] = journal?.relabel_configs ?? [];
    assert.match(name, new RegExp(`^(?:${keep?.regex})$`));
    assert.doesNotMatch(await read(`systemd/${name}`), /^StandardOutput=/m);
  }
  assert.match(JSON.stringify(containers?.static_configs), /-json\.log"/);
  assert.match(await read("../compose.yaml"), /driver: json-file/);
  const conf = await read("nginx/massacorp.conf");
  const path = nginx?.static_configs?.[0]?.labels.__path__;
  assert.ok(conf.includes(`access_log ${path} massacorp;`), path);
  assert.match(conf, /"level":"info","service":"nginx",.*"request_id":"\$massacorp_request_id"/);
});

Deno.test("Grafana: what a dashboard asks is provisioned beside it, at the ports that compose.yaml gives", async () => {
  const sources = async (path: string) =>
    [...(await read(path)).matchAll(/^ {4}uid: (\S+)$/gm)].map(([, uid]) => uid);
  const seen = new Set<string>();
  const sourcesOf = async (folderOf: string) => {
    const uids = new Set<string>();
    for await (const { name } of Deno.readDir(new URL(folderOf, folder))) {
      if (!name.endsWith(".json")) continue;
      const { uid, panels } = JSON.parse(await read(`${folderOf}/${name}`));
      assert.ok(!seen.has(uid), `${name}: another dashboard is ${uid}`);
      seen.add(uid);
      const places = new Set<string>();
      const ids = new Set<number>();
      for (const { id, title, datasource, gridPos: { x, y, w, h }, targets } of panels) {
        uids.add(datasource.uid);
        assert.ok(!ids.has(id), `${name}: two panels are ${id}`);
        ids.add(id);
        assert.ok(x + w <= 24, `${name}: ${title} is wider than the page`);
        for (let row = y; row < y + h; row++) {
          for (let column = x; column < x + w; column++) {
            assert.ok(!places.has(`${column} ${row}`), `${name}: ${title} lies on another panel`);
            places.add(`${column} ${row}`);
          }
        }
        const refs = targets.map(({ refId }: { refId: string }) => refId);
        assert.equal(new Set(refs).size, refs.length, `${name}: ${title} has one refId twice`);
      }
    }
    return [...uids];
  };
  const source = "grafana/provisioning/datasources/massacorp.yml";
  assert.deepEqual(await sourcesOf("grafana/dashboards"), await sources(source));
  assert.deepEqual(await sourcesOf("grafana/loki"), await sources("grafana/loki/datasource.yml"));

  const compose = await read("../compose.yaml");
  const [, prometheus] = /url: http:\/\/(\S+)/.exec(await read(source)) ?? [];
  assert.ok(compose.includes(`--web.listen-address=${prometheus}`), prometheus);
  const [, path] = /path: (\S+)/.exec(
    await read("grafana/provisioning/dashboards/massacorp.yml"),
  ) ?? [];
  assert.ok(compose.includes(`./deploy/grafana/dashboards:${path}:ro`), path);
  const { scrape_configs: jobs } = parse(await read("prometheus/prometheus.yml"));
  const [target] = jobs[0].static_configs[0].targets;
  assert.ok(compose.includes(`OPERATOR_LISTEN: ${target}`), target);
});
