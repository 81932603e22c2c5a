import assert from "node:assert/strict";
import { serveSocket } from "../../../lib/unix_socket.ts";
import { adminOf, loopback, testApi, tunnelFrom } from "../../../tests/support/api.ts";
import { startTestCluster } from "../../../tests/support/cluster.ts";
import { testDatabase } from "../../../tests/support/database.ts";
import { parseExposition, sampleOf } from "../../../tests/support/exposition.ts";
import { temporaryFolder } from "../../../tests/support/temporary_folder.ts";
import { until } from "../../../tests/support/until.ts";

const paths = ["/metrics", "/health/deep"];

/** Stands in for the daemon and the sealer, which print what they print. */
async function neighbour(answers: Record<string, () => Response>) {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/it.sock`;
  const server = await serveSocket(path, (request) => {
    const answer = answers[new URL(request.url).pathname];
    return answer?.() ?? new Response(null, { status: 404 });
  });
  return {
    path,
    close: () => server.close(),
    async [Symbol.asyncDispose]() {
      await server.close().catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const metric = (name: string, sample: string) => () =>
  new Response(`# HELP ${name} A help.\n# TYPE ${name} gauge\n${name}${sample}\n`);

Deno.test("T1: metrics and deep health are on the operator's socket, and elsewhere there is no such path", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { peer } = (await api.request("/api/v1/wireguard/peers", {
    token: acme.token,
    body: { name: "laptop" },
  })).body;
  for (const path of paths) {
    for (const via of [tunnelFrom(peer.address), tunnelFrom("10.10.0.99"), loopback]) {
      for (const token of [acme.token, undefined]) {
        const ask = (path: string) =>
          api.request(path, { via, ...(token === undefined ? {} : { token }) });
        const [reply, nowhere] = [await ask(path), await ask("/no-such-path")];
        assert.equal(reply.status, 404, `${path} ${JSON.stringify(via)}`);
        const { request_id: _, ...body } = reply.body;
        const { request_id: __, ...unknown } = nowhere.body;
        assert.deepEqual(body, unknown);
      }
    }
    assert.equal((await api.request(path)).status, 200);
  }
});

Deno.test("metrics: count by route template and refusal, name nobody, and stand without daemon and sealer", async () => {
  await using api = await testApi({ inProcess: "counts what one process did" });
  const acme = await adminOf(api, "acme");
  const made = await api.request("/api/v1/wireguard/peers", {
    token: acme.token,
    body: { name: "laptop" },
  });
  const { id, public_key, address } = made.body.peer;
  for (const path of [id, crypto.randomUUID()]) {
    await api.request(`/api/v1/wireguard/peers/${path}`, { token: acme.token });
  }
  await api.request("/api/v1/auth/me", { via: loopback });
  await api.request(`/no/${id}`, { method: "BREW" });
  for (let n = 0; n < 300; n++) {
    const path = `/api/v1/${n}/${"x".repeat(n)}?q=${n}`;
    await api.request(path, {
      method: `M${n}`,
      via: loopback,
      headers: { "X-Request-ID": `id-of-a-stranger-${n}` },
    });
  }
  await api.request("/api/v1/auth/login", {
    tenant: acme.slug,
    body: { email: acme.email, password: "not this one, either" },
  });
  const reply = await api.request("/metrics");
  assert.match(reply.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const found = parseExposition(reply.text);
  const requests = (labels: Record<string, string>) =>
    sampleOf(found, "massacorp_api_requests_total", { code: "", listener: "operator", ...labels });
  const peers = { method: "GET", route: "/api/v1/wireguard/peers/:id" };
  assert.equal(requests({ ...peers, status: "200" }), 1);
  assert.equal(requests({ ...peers, status: "404", code: "not_found" }), 1);
  const me = { method: "GET", route: "/api/v1/auth/me", listener: "loopback" };
  assert.equal(requests({ ...me, status: "401", code: "invalid_token" }), 1);
  assert.equal(requests({ method: "other", route: "none", status: "404", code: "not_found" }), 1);
  assert.equal(sampleOf(found, "massacorp_api_request_seconds_count", peers), 2);
  assert.ok((sampleOf(found, "massacorp_api_password_hashes_total") ?? 0) >= 1);
  assert.equal(
    sampleOf(found, "massacorp_api_database_connections", { pool: "api", state: "waiting" }),
    0,
  );
  const authentications = (way: string, outcome: string) =>
    sampleOf(found, "massacorp_api_authentications_total", { way, outcome });
  assert.deepEqual(
    [authentications("password", "accepted"), authentications("password", "invalid_credentials")],
    [1, 1],
  );
  // Whatever strangers send, a series is a route, a method and a code of ours.
  const series = found.get("massacorp_api_requests_total")?.samples ?? [];
  assert.ok(series.length < 20, `${series.length}`);
  assert.ok(!/stranger|xxx/.test(reply.text));
  assert.equal(sampleOf(found, "massacorp_api_mail_oldest_seconds"), 0);
  assert.equal(sampleOf(found, "massacorp_api_wal_archive_failing"), 0);
  assert.equal(
    sampleOf(found, "massacorp_api_database_connections", { pool: "api", state: "size" }),
    8,
  );
  assert.ok((sampleOf(found, "massacorp_api_cpu_seconds_total") ?? 0) > 0);
  assert.ok(
    found.has("massacorp_api_refresh_reuse_total") && found.has("massacorp_api_build_info"),
  );
  for (const process of ["wgd", "sealer"]) {
    assert.equal(sampleOf(found, "massacorp_api_relayed", { process }), 0);
  }
  for (const secret of [id, public_key, address, acme.email, acme.slug, acme.token]) {
    assert.ok(!reply.text.includes(secret));
  }
});

Deno.test("metrics: say so while PostgreSQL cannot archive its WAL", async () => {
  await using folder = await temporaryFolder();
  await Deno.chmod(folder.path, 0o711);
  const broken = `${folder.path}/broken`;
  // Works until then: whoever sets up slowly has it called in the meantime.
  const archiveCommand = `test ! -e ${broken}`;
  const cluster = await startTestCluster({ inMemory: true, archiveCommand });
  try {
    await using db = await testDatabase({ on: cluster });
    await using api = await testApi({ db });
    const before = parseExposition((await api.request("/metrics")).text);
    assert.equal(sampleOf(before, "massacorp_api_wal_archive_failing"), 0);
    await Deno.writeTextFile(broken, "");
    // Of WAL with nothing in it there is nothing to switch.
    await db.superuser`create table written ()`;
    await db.superuser`select pg_switch_wal()`;
    await until(
      "it says so",
      async () =>
        sampleOf(
          parseExposition((await api.request("/metrics")).text),
          "massacorp_api_wal_archive_failing",
        ) === 1,
    );
  } finally {
    await cluster.stop();
  }
});

Deno.test("metrics, deep health: relay what daemon and sealer say, and name what is the matter", async () => {
  const counts = { unexplained: 0, failed: 0 };
  const daemon = { snapshot: { error: null }, last_error: "wg failed", counts };
  let database = "connected";
  await using wgd = await neighbour({
    "/v1/metrics": metric("massacorp_wgd_peers_online", '{tenant="1"} 3'),
    "/v1/status": () => Response.json({ database, ...daemon }),
  });
  await using sealer = await neighbour({
    "/v1/metrics": metric("massacorp_audit_lag_seconds", " 0.25"),
    "/v1/status": () => Response.json({ distrust: null }),
  });
  await using api = await testApi({
    inProcess: "counts what one process did",
    env: { WGD_SOCKET: wgd.path, SEALER_SOCKET: sealer.path },
  });
  const found = parseExposition((await api.request("/metrics")).text);
  assert.equal(sampleOf(found, "massacorp_wgd_peers_online", { tenant: "1" }), 3);
  assert.equal(sampleOf(found, "massacorp_audit_lag_seconds"), 0.25);
  assert.equal(sampleOf(found, "massacorp_api_relayed", { process: "wgd" }), 1);

  const deep = async () => (await api.request("/health/deep")).body;
  const { status, checks } = await deep();
  assert.equal(status, "degraded");
  const said = Object.entries<Record<string, unknown>>(checks).map(([name, check]) => {
    assert.ok(typeof check.latency_ms === "number" && check.latency_ms >= 0);
    return [name, check.status, check.detail];
  });
  assert.deepEqual(said, [
    ["database", "ok", null],
    ["platform_database", "ok", null],
    ["daemon", "degraded", "wg failed"],
    ["sealer", "ok", null],
    ["mail", "degraded", "mail waits: there is neither SMTP_URL nor MAIL_FOLDER"],
  ]);
  counts.unexplained = 2;
  assert.match((await deep()).checks.daemon.detail, /^2 keys .* held until an operator decides$/);
  database = "disconnected";
  assert.equal((await deep()).checks.daemon.detail, "it runs without its database");
  await wgd.close();
  assert.equal((await deep()).checks.daemon.status, "unavailable");
  assert.equal((await api.request("/ready")).status, 200, "peers stay pending, and say so");
});
