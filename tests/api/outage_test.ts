import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  type Persona,
  type Reply,
  type TestApi,
  testApi,
} from "../support/api.ts";
import { startTestCluster } from "../support/cluster.ts";
import { testDatabase } from "../support/database.ts";
import { holdingProxy } from "../support/holding_proxy.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

function assertUnavailable(reply: Reply): void {
  assert.equal(reply.status, 503, reply.text);
  assert.equal(reply.body.code, "database_unavailable");
  assert.equal(reply.headers.get("retry-after"), "1");
  assert.doesNotMatch(reply.text, /ECONN|ENOENT|socket|postgres/i);
}

/** What reads, what writes, and what hashes first. */
const callsOf = (api: TestApi, who: Persona) => ({
  me: () => api.request("/api/v1/auth/me", { via: loopback, token: who.token }),
  create: () =>
    api.request("/api/v1/wireguard/peers", {
      via: loopback,
      token: who.token,
      body: { name: "laptop" },
    }),
  login: () =>
    api.request("/api/v1/auth/login", {
      via: loopback,
      tenant: "acme",
      body: { email: who.email, password: who.password },
    }),
});

Deno.test("app: D3: on a server that takes no writes it answers 503, and asks for another connection each time", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { me, create, login } = callsOf(api, acme);
  const { superuser, name } = api.db;
  await superuser.unsafe(`alter database ${name} set default_transaction_read_only = on`);
  // Whoever is connected keeps what it had when it came; a standby is one to everybody.
  await superuser`select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where datname = ${name} and usename in ('massacorp_api', 'massacorp_platform')`;
  await until("it reads again", async () => (await me()).status === 200);
  // By now it would be noted that the session was used.
  api.clock.advance(61_000);
  for (let n = 0; n < 3; n++) assert.equal((await me()).status, 200);
  for (const call of [create, login]) assertUnavailable(await call());
  await superuser.unsafe(`alter database ${name} reset default_transaction_read_only`);
  // Each refusal gave its connection up. One that is idle still refuses whoever is first to write by it.
  await until("it writes again", async () => (await create()).status === 201);
  assert.equal((await login()).status, 200);
});

Deno.test("app: D3: without PostgreSQL every operation answers 503 at once, and recovers without a restart", async () => {
  const cluster = await startTestCluster();
  try {
    await using api = await testApi({ cluster });
    const acme = await adminOf(api, "acme");
    const { me, create, login } = callsOf(api, acme);
    const tenants = () => api.request("/api/v1/tenants");
    assert.equal((await me()).status, 200);

    await cluster.down();
    for (const call of [me, create, login, tenants, me]) {
      using watch = stopwatch();
      assertUnavailable(await call());
      assert(watch.ms() < 1_500, "it does not keep the caller waiting");
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
    inProcess: "breaks the API's own connections",
    gateway: false,
    env: { DATABASE_URL: proxy.url.reveal(), DATABASE_POOL_TIMEOUT: "1" },
  });
  const status = async () => (await api.request("/api/v1/wireguard/status")).body.database;
  assert.equal(await status(), "ok");
  proxy.holdUntil(1_000_000);
  using watch = stopwatch();
  assert.equal(await status(), "unavailable");
  assert(watch.ms() < 5_000);
  proxy.holdUntil(0);
  await until("it answers again", async () => await status() === "ok");
});

Deno.test("app: N1: a role that row-level security does not hold is refused, whatever is asked", async () => {
  for (const role of ["postgres", "massacorp_owner"] as const) {
    await using good = await testApi();
    const acme = await adminOf(good, "acme");
    await using api = await testApi({
      inProcess: "breaks the API's own connections",
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
      inProcess: "breaks the API's own connections",
      gateway: false,
      env: { DATABASE_PLATFORM_URL: good.db.url(role).reveal() },
    });
    assert.equal((await platform.request("/api/v1/tenants")).status, 500);
    await assert.rejects(platform.rolesAreSafe(), { name: "UnsafeRoleError" });
  }
});

Deno.test("app: a PostgreSQL that hangs is told within a second, to those who ask and those who asked before, and recovers by itself", async () => {
  await using good = await testApi();
  const acme = await adminOf(good, "acme");
  await using proxy = await holdingProxy(good.db.url("massacorp_api"));
  await using api = await testApi({
    beside: good,
    env: { DATABASE_URL: proxy.url.reveal(), DATABASE_POOL_TIMEOUT: "" },
  });
  const { me, create, login } = callsOf(api, acme);
  for (const call of [me, create, login]) assert((await call()).status < 300);
  proxy.holdUntil(1_000_000);
  const longest: number[] = [];
  for (
    const calls of [
      [me, create, login],
      Array(40).fill(me),
      Array(40).fill(create),
      Array(40).fill(login),
    ]
  ) {
    using watch = stopwatch();
    const replies = await Promise.all(calls.map((call) => call()));
    longest.push(watch.ms());
    for (const reply of replies) assertUnavailable(reply);
  }
  assert(longest.every((ms) => ms < 1_500), `${longest} ms`);
  proxy.holdUntil(0);
  using back = stopwatch();
  await until("it answers again", async () => (await me()).status === 200);
  assert(back.ms() < 2_000);
  for (const call of [me, create, login]) assert((await call()).status < 300);
});

Deno.test("app: where the database has no room no crowd waits for hashes in vain, reads go on, and it recovers by itself", async () => {
  await using api = await testApi({
    inProcess: "counts the hashes of one process",
    // One at a time, on however many processors, and each takes longer than a busy database to say that it has no room.
    env: { PASSWORD_HASH_CONCURRENCY: "1", PASSWORD_HASH_PASSES: "6" },
  });
  const acme = await adminOf(api, "acme");
  const { login, me } = callsOf(api, acme);
  const crowd = () => Promise.all(Array.from({ length: 30 }, login));
  // What a write meets on a full disk, and only a write that needs a page more.
  await api.db.owner.unsafe(`
    create function no_room() returns trigger language plpgsql as
      $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
    create trigger no_room before insert on audit_log for each row execute function no_room()`);
  const before = api.deps.hasher.stats.hashes;
  for (const reply of await crowd()) assertUnavailable(reply);
  const hashed = api.deps.hasher.stats.hashes - before;
  assert(hashed > 0 && hashed < 15, `${hashed} hashes for 30 log-ins that all were in vain`);
  assert.equal((await me()).status, 200, "what only reads is not refused");

  await api.db.owner`drop trigger no_room on audit_log`;
  await until("log-ins go on", async () => (await login()).status === 200);
  for (const reply of await crowd()) assert.equal(reply.status, 200, reply.text);
});

Deno.test("app: a PostgreSQL that is slow in one thing is not taken for one that hangs, and waits behind it are bounded", async () => {
  await using api = await testApi({
    inProcess: "fills the pool of one process",
    env: {
      DATABASE_POOL_TIMEOUT: "400ms",
      DATABASE_POOL_SIZE: "2",
      LOGIN_FAILURE_FLOOR: "1s",
    },
  });
  const acme = await adminOf(api, "acme");
  const peers = (body?: unknown) =>
    api.request("/api/v1/wireguard/peers", { via: loopback, token: acme.token, body });
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holder = api.db.owner.begin(async (sql) => {
    await sql`lock table audit_log in access exclusive mode`;
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  // Two wait for the lock with a connection each, the rest for a connection.
  const waiting = [1, 2].map((n) => peers({ name: `waits ${n}` }));
  await until("both wait", () => api.deps.pools().api?.busy === 2);
  const started = performance.now();
  using watch = stopwatch();
  const others = await Promise.all([3, 4, 5].map((n) => peers({ name: `is refused ${n}` })));
  const [took, ms] = [performance.now() - started, watch.ms()];
  for (const reply of others) assertUnavailable(reply);
  assert(took > 300 && ms < 1_500, `${took} ms, ${ms} of them its own`);
  // What needs no connection of its own is served all the while.
  assert.equal(
    (await api.request("/api/v1/auth/me", { via: loopback, token: acme.token })).status,
    200,
  );
  release.resolve();
  await holder;
  for (const reply of await Promise.all(waiting)) assert.equal(reply.status, 201, reply.text);
  assert.equal((await peers({ name: "after" })).status, 201);
});

Deno.test("app: D3: a statement that takes too long, or waits too long for a lock, is 503 with Retry-After, and nothing is half done", async () => {
  await using db = await testDatabase({ lockTimeout: null });
  // The time of a lock is production's, that of a statement shorter.
  await db.superuser.unsafe(
    `alter role massacorp_api in database ${db.name} set statement_timeout = '2s'`,
  );
  await using api = await testApi({ db, env: { LOGIN_FAILURE_FLOOR: "1s" } });
  const acme = await adminOf(api, "acme");
  const { owner } = db;
  const me = () => api.request("/api/v1/auth/me", { via: loopback, token: acme.token });
  const create = () =>
    api.request("/api/v1/wireguard/peers", {
      via: loopback,
      token: acme.token,
      body: { name: "waits" },
    });
  const assertOverloaded = async (least: number, most: number) => {
    const started = performance.now();
    using watch = stopwatch();
    const reply = await create();
    const [took, ms] = [performance.now() - started, watch.ms()];
    assert.deepEqual(
      [reply.status, reply.body.code, reply.headers.get("retry-after")],
      [503, "overloaded", "1"],
      reply.text,
    );
    assert.doesNotMatch(reply.text, /timeout|lock|cancel/i);
    assert(took >= least && ms < most, `${took} ms, ${ms} of them its own`);
  };

  await owner.begin(async (sql) => {
    await sql`lock table audit_log in access exclusive mode`;
    await assertOverloaded(500, 2_000);
    assert.equal((await me()).status, 200, "who needs no lock does not wait");
  });
  await owner.unsafe(`
    create function slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(30); return new; end $$;
    create trigger slow before insert on audit_log for each row execute function slow()`);
  await assertOverloaded(2_000, 10_000);
  await owner`drop trigger slow on audit_log`;
  const [left] = await owner`select count(*)::integer as n from wg_peers where name = 'waits'`;
  assert.equal(left?.n, 0, "nothing of what was refused is there");
  assert.equal((await create()).status, 201);
});
