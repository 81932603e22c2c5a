import assert from "node:assert/strict";
import { adminOf, loopback, type Reply, testApi } from "../tests/support/api.ts";
import { startTestCluster } from "../tests/support/cluster.ts";
import { holdingProxy } from "../tests/support/holding_proxy.ts";
import { until } from "../tests/support/until.ts";

function assertUnavailable(reply: Reply): void {
  assert.equal(reply.status, 503, reply.text);
  assert.equal(reply.body.code, "database_unavailable");
  assert.equal(reply.headers.get("retry-after"), "1");
  assert.doesNotMatch(reply.text, /ECONN|ENOENT|socket|postgres/i);
}

Deno.test("app: D3: without PostgreSQL every operation answers 503 at once, and recovers without a restart", async () => {
  const cluster = await startTestCluster();
  try {
    await using api = await testApi({ cluster });
    const acme = await adminOf(api, "acme");
    const me = () => api.request("/api/v1/auth/me", { via: loopback, token: acme.token });
    const create = () =>
      api.request("/api/v1/wireguard/peers", {
        via: loopback,
        token: acme.token,
        body: { name: "laptop" },
      });
    const login = () =>
      api.request("/api/v1/auth/login", {
        via: loopback,
        tenant: "acme",
        body: { email: acme.email, password: acme.password },
      });
    const tenants = () => api.request("/api/v1/tenants");
    assert.equal((await me()).status, 200);

    await cluster.down();
    for (const call of [me, create, login, tenants, me]) {
      const started = performance.now();
      assertUnavailable(await call());
      assert(performance.now() - started < 1_500, "it does not keep the caller waiting");
    }
    const status = await api.request("/api/v1/wireguard/status");
    assert.equal(status.status, 200, "the operator is told what is known");
    assert.deepEqual(
      [status.body.database, status.body.daemon, status.body.interface],
      ["unavailable", "unreachable", null],
    );
    assertUnavailable(await api.request("/api/v1/wireguard/status", { tenant: "acme" }));
    assert.equal((await api.request("/health")).status, 200, "alive all the same");
    const ready = await api.request("/ready");
    assert.equal(ready.status, 503);
    assert.equal(ready.body.checks.database, "unavailable");
    const deep = await api.request("/health/deep");
    assert.deepEqual([deep.status, deep.body.status], [503, "unavailable"]);
    assert.equal(deep.body.checks.platform_database.status, "unavailable");

    await cluster.up();
    await until("the API is ready again", async () => (await api.request("/ready")).status === 200);
    for (const call of [me, login, tenants]) assert.equal((await call()).status, 200);
    assert.equal((await create()).status, 201);
    // Nothing of what was refused had been done.
    const [row] = await api.db.owner`select count(*)::int as n from wg_peers`;
    assert.equal(row?.n, 1);
  } finally {
    await cluster.stop();
  }
});

Deno.test("status: of a PostgreSQL that hangs the operator learns within seconds, and the rest from the daemon", async () => {
  await using good = await testApi();
  await using proxy = await holdingProxy(good.db.url("massacorp_api"));
  await using api = await testApi({
    gateway: false,
    env: { DATABASE_URL: proxy.url.reveal(), DATABASE_POOL_TIMEOUT: "1" },
  });
  const status = async () => (await api.request("/api/v1/wireguard/status")).body.database;
  assert.equal(await status(), "ok");
  proxy.holdUntil(1_000_000);
  const started = performance.now();
  assert.equal(await status(), "unavailable");
  assert(performance.now() - started < 5_000);
  proxy.holdUntil(0);
  await until("it answers again", async () => await status() === "ok");
});

Deno.test("app: N1: a role that row-level security does not hold is refused, whatever is asked", async () => {
  for (const role of ["postgres", "massacorp_owner"] as const) {
    await using good = await testApi();
    const acme = await adminOf(good, "acme");
    await using api = await testApi({
      gateway: false,
      env: { DATABASE_URL: good.db.url(role).reveal() },
    });
    const reply = await api.request("/api/v1/auth/me", { via: loopback, token: acme.token });
    assert.equal(reply.status, 500);
    assert.equal(reply.body.code, "internal_error");
    assert(api.log.some((line) => line.includes("row-level security would not hold it")));
    assert.equal((await api.request("/ready")).status, 503);
    await assert.rejects(api.rolesAreSafe(), { name: "UnsafeRoleError" });

    await using platform = await testApi({
      gateway: false,
      env: { DATABASE_PLATFORM_URL: good.db.url(role).reveal() },
    });
    assert.equal((await platform.request("/api/v1/tenants")).status, 500);
    await assert.rejects(platform.rolesAreSafe(), { name: "UnsafeRoleError" });
  }
});
