import assert from "node:assert/strict";
import { join } from "node:path";
import { silentLogger } from "../../../lib/log.ts";
import { adminOf, testApi } from "../../../tests/support/api.ts";
import { parseExposition, sampleOf } from "../../../tests/support/exposition.ts";
import { redisServer } from "../../../tests/support/redis.ts";
import { until } from "../../../tests/support/until.ts";
import { createApp } from "../../app.ts";
import type { AppEnv } from "../../context.ts";
import { createHealth } from "../../process/health.ts";
import { createScrapeApp } from "./mod.ts";

const scraper: AppEnv["Bindings"] = { listener: "scrape", address: "127.0.0.1" };
const served = ["/metrics", "/health", "/ready", "/health/deep"];

Deno.test("T1: OPERATOR_LISTEN: four answers to GET, no operation whatever is sent, and no peer is answered", async () => {
  await using api = await testApi({
    inProcess: "asks another app than that of the contract",
    env: { WG_NETWORK6: "fd00:1::/64" },
  });
  const acme = await adminOf(api, "acme");
  const scrape = createScrapeApp(api.deps);
  const ask = async (method: string, path: string, via = scraper, headers = {}) =>
    await scrape.fetch(new Request(`http://127.0.0.1:9464${path}`, { method, headers }), via);
  const everywhere = createApp(api.deps).routes
    .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
    .map(({ method, path }) => [method, path.replaceAll(/:\w+/g, crypto.randomUUID())] as const);
  assert.ok(everywhere.length > 100);
  const attempts = [
    ...everywhere.filter(([method, path]) => method !== "GET" || !served.includes(path)),
    ...served.flatMap((path) =>
      ["POST", "PUT", "DELETE", "OPTIONS"].map((of) => [of, path] as const)
    ),
    ...["//metrics", "/metrics/../api/v1/tenants", "/%6Detrics/x", "/health/deep/x"]
      .map((path) => ["GET", path] as const),
  ];
  for (const [method, path] of attempts) {
    for (const headers of [{}, { Authorization: `Bearer ${acme.token}`, "X-Tenant-ID": "acme" }]) {
      const { status, headers: said } = await ask(method, path, scraper, headers);
      assert.equal(status, 404, `${method} ${path}`);
      assert.equal(said.get("content-type"), "application/problem+json");
    }
  }
  for (const path of served) {
    const reply = await ask("GET", path);
    assert.equal(reply.status, 200, path);
    assert.equal(reply.headers.get("cache-control"), "no-store");
    assert.match(reply.headers.get("x-request-id") ?? "", /./);
    for (const address of ["10.10.0.5", "::ffff:10.10.0.5", "fd00:1::5"]) {
      assert.equal((await ask("GET", path, { ...scraper, address })).status, 404);
    }
  }
  // Were the whole app ever served there, nobody would be the operator.
  for (const path of ["/api/v1/tenants", "/api/v1/audit", "/api/v1/info", "/metrics"]) {
    const { status } = await api.request(path, { via: scraper });
    assert.ok(status === 401 || status === 404, `${path} ${status}`);
  }
});

Deno.test("OPERATOR_LISTEN: metrics name no tenant there, and the operator's socket names them", async () => {
  const own =
    "# HELP massacorp_wgd_online All.\n# TYPE massacorp_wgd_online gauge\nmassacorp_wgd_online 3\n";
  const each = "# HELP massacorp_wgd_peers_online By tenant.\n" +
    '# TYPE massacorp_wgd_peers_online gauge\nmassacorp_wgd_peers_online{tenant="1"} 3\n';
  await using api = await testApi();
  const deps = {
    ...api.deps,
    wgd: { ...api.deps.wgd, metrics: () => Promise.resolve(each + own) },
  };
  const textFrom = async (app: ReturnType<typeof createApp>, via: AppEnv["Bindings"]) =>
    await (await app.fetch(new Request("http://127.0.0.1/metrics"), via)).text();
  const scraped = parseExposition(await textFrom(createScrapeApp(deps), scraper));
  assert.ok(scraped.has("massacorp_wgd_online") && !scraped.has("massacorp_wgd_peers_online"));
  const socket = await textFrom(createApp(deps), { listener: "operator", address: null });
  assert.ok(parseExposition(socket).has("massacorp_wgd_peers_online"));
});

Deno.test("metrics: what the newest backup says of itself is there as long as the file is, and nothing else of that file", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/massacorp_backup.prom`;
  await using api = await testApi({
    inProcess: "reads a file of this test's",
    env: { BACKUP_METRICS: file },
  });
  const scraped = async () => {
    const reply = await createScrapeApp(api.deps).fetch(
      new Request("http://127.0.0.1/metrics"),
      scraper,
    );
    return parseExposition(await reply.text());
  };
  const name = "massacorp_backup_last_success_timestamp_seconds";
  assert.ok(!(await scraped()).has(name));
  await Deno.writeTextFile(
    file,
    `# HELP ${name} When.\n# TYPE ${name} gauge\n${name} 1764300000\nup 0\nmassacorp_api_mails{state="dead"} 9\n`,
  );
  const families = await scraped();
  assert.ok(families.has(name) && !families.has("up"));
  await Deno.remove(folder, { recursive: true });
  assert.ok(!(await scraped()).has(name));
});

Deno.test("createHealth: many that ask at once cost a dependency one question", async () => {
  const held = Promise.withResolvers<void>();
  let asked = 0;
  const health = createHealth({ database: () => (asked++, held.promise) }, silentLogger);
  const answers = Array.from({ length: 50 }, () => health.readiness());
  held.resolve();
  assert.ok((await Promise.all(answers)).every(({ ready }) => ready));
  assert.equal(asked, 1);
  await health.deep();
  assert.equal(asked, 2);
});

Deno.test("metrics: what Redis says of itself, or that it is away or takes no write, and the room on the data folder's disk", async () => {
  const folder = await Deno.makeTempDir();
  await using redis = await redisServer();
  await using api = await testApi({
    inProcess: "stops a Redis of this test's",
    env: {
      REDIS_URL: redis.url,
      // One that is there may take longer on a busy machine than the usual quarter of a second.
      REDIS_COMMAND_TIMEOUT: "5000",
      BACKUP_METRICS: join(folder, "none_yet.prom"),
    },
  });
  const found = async () => parseExposition((await api.request("/metrics")).text);
  const value = async (name: string) => sampleOf(await found(), `massacorp_api_${name}`);
  await until("Redis is up", async () => await value("redis_up") === 1);
  assert.ok((await value("redis_memory_bytes") ?? 0) > 100_000);
  assert.equal(await value("redis_memory_limit_bytes"), 0);
  assert.equal(await value("redis_evicted_total"), 0);
  const { stdout } = await new Deno.Command("df", {
    args: ["--block-size=1", "--output=size", folder],
  }).output();
  assert.equal(
    await value("data_disk_size_bytes"),
    Number(new TextDecoder().decode(stdout).split("\n")[1]),
  );
  assert.ok((await value("data_disk_free_bytes") ?? 0) > 0);

  // As Debian's is where it has a maxmemory: it answers, and refuses what would have to be kept.
  const full = (bytes: string) => api.deps.redis?.client.configSet("maxmemory", bytes);
  await full("1");
  assert.equal(await value("redis_up"), 0);
  assert.equal(await value("redis_memory_limit_bytes"), 1);
  const deep = (await api.request("/health/deep")).body;
  assert.match(JSON.stringify(deep), /"redis":\{"status":"(?!ok)/);
  await full("0");
  assert.equal(await value("redis_up"), 1);

  await redis.stop();
  await until("Redis is away", async () => await value("redis_up") === 0);
  assert.equal((await found()).has("massacorp_api_redis_memory_bytes"), false);
  await redis.start();
  await until("Redis is back", async () => await value("redis_up") === 1);
  redis.hang(true);
  await until("a Redis that hangs is away", async () => await value("redis_up") === 0);
  redis.hang(false);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("metrics: how far this host's clock is from the database server's, to either side", async () => {
  await using api = await testApi();
  const ahead = async () =>
    sampleOf(
      parseExposition((await api.request("/metrics")).text),
      "massacorp_api_clock_ahead_seconds",
    ) ?? NaN;
  // The clock of a test stands still meanwhile.
  const isNear = (seconds: number, wanted: number) =>
    assert.ok(seconds <= wanted && seconds > wanted - 60, `${seconds} s`);
  isNear(await ahead(), 0);
  api.clock.set(3600_000);
  isNear(await ahead(), 3600);
  api.clock.set(-7200_000);
  isNear(await ahead(), -3600);
});

Deno.test("metrics: without REDIS_URL and without a folder of backups nothing is said of either", async () => {
  await using api = await testApi({ inProcess: "has no Redis" });
  assert.doesNotMatch((await api.request("/metrics")).text, /massacorp_api_(redis|data_disk)/);
});
