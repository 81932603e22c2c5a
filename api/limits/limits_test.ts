import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { createLogger } from "../../lib/log.ts";
import { Secret } from "../../lib/secret.ts";
import {
  adminOf,
  loopback,
  operator,
  type RequestOptions,
  testApi,
  tunnelFrom,
} from "../../tests/support/api.ts";
import { redisServer } from "../../tests/support/redis.ts";
import { until } from "../../tests/support/until.ts";
import { createFailureCounters } from "../auth/failure_counters.ts";
import { createLimits, type Limits } from "./limits.ts";
import { connectRedis } from "./redis.ts";

const quotas = { source: 10_000, login: 4, anonymous: 60, authenticated: 1200 };
const log = createLogger({ level: "silent" });
/** One that is there may take its time on a busy machine; one that hangs is another test's. */
const bounds = { connectTimeoutMs: 30_000, commandTimeoutMs: 30_000, log };

async function allowed(limits: Limits, source: string, count: number): Promise<boolean[]> {
  const states = [];
  for (let n = 0; n < count; n++) states.push((await limits.consume("login", source)).allowed);
  return states;
}

Deno.test("createLimits: a quota a window and a source, counted in memory without Redis", async () => {
  const limits = createLimits(quotas, { redis: null, processes: 1, log });
  const began = performance.now();
  const states = [];
  for (let n = 0; n < 5; n++) states.push(await limits.consume("login", "a"));
  assert.deepEqual(states.map((state) => state.allowed), [true, true, true, true, false]);
  assert.deepEqual(states.map((state) => state.remaining), [3, 2, 1, 0, 0]);
  const gone = (performance.now() - began) / 1000;
  for (const { resetSeconds } of states) assert(resetSeconds >= 59 - gone && resetSeconds <= 60);
  assert.deepEqual(await allowed(limits, "b", 1), [true], "another source");
  assert.equal((await limits.consume("anonymous", "a")).allowed, true, "another class");
});

Deno.test("createLimits: D4: however many processes there are, without Redis they give no more than the quota together", async () => {
  for (const redis of [null, connectRedis(new Secret("redis://127.0.0.1:1"), bounds)]) {
    for (const processes of [1, 2, 3, 4]) {
      const each = Array.from(
        { length: processes },
        () => createLimits(quotas, { redis, processes, log }),
      );
      let given = 0;
      for (const limits of each) given += (await allowed(limits, "a", 5)).filter(Boolean).length;
      assert.equal(given, Math.floor(quotas.login / processes) * processes, `${processes}`);
    }
    // Nine in a minute would be more than four; one each in three minutes are three.
    const ninth = createLimits(quotas, { redis, processes: 9, log });
    const states = [await ninth.consume("login", "a"), await ninth.consume("login", "a")];
    assert.deepEqual(states.map((state) => state.allowed), [true, false]);
    assert((states[1]?.resetSeconds ?? 0) > 170, `${states[1]?.resetSeconds} s`);
    const mails = [await ninth.consumeUpTo(3, "m"), await ninth.consumeUpTo(3, "m")];
    assert.deepEqual(mails.map((state) => state.allowed), [true, false]);
    redis?.close();
  }
});

Deno.test("createLimits: D4: with Redis, processes share a quota; when it fails, none gets more than it had", async () => {
  await using server = await redisServer();
  const open = () => connectRedis(new Secret(server.url), bounds);
  const [first, second] = [open(), open()];
  try {
    for (const redis of [first, second]) await until("Redis answers", () => redis.client.isReady);
    const [one, two] = [first, second].map((redis) =>
      createLimits(quotas, { redis, processes: 2, log })
    );
    assert(one && two);
    assert.deepEqual(await allowed(one, "a", 3), [true, true, true]);
    assert.deepEqual(await allowed(two, "a", 2), [true, false], "the fourth was the last of both");
    assert.deepEqual(await allowed(one, "b", 2), [true, true]);
    assert.deepEqual(await allowed(two, "c", 1), [true]);

    await server.stop();
    // What was counted goes on counting, against its share, of two processes half the quota.
    assert.deepEqual(await allowed(one, "a", 1), [false]);
    assert.deepEqual(await allowed(one, "b", 1), [false]);
    assert.deepEqual(await allowed(two, "c", 2), [true, false]);

    await server.start();
    await until("Redis is back", () => first.client.isReady);
    assert.deepEqual(await allowed(one, "d", 5), [true, true, true, true, false]);
  } finally {
    first.close();
    second.close();
  }
});

Deno.test("createLimits: D4: a Redis that forgets gives nobody more than a process would by itself", async () => {
  await using server = await redisServer();
  const redis = connectRedis(new Secret(server.url), bounds);
  try {
    await until("Redis is there", () => redis.client.isReady);
    // By themselves nine would give one request in three windows each; with Redis they share all four of one.
    for (const processes of [2, 9]) {
      const limits = createLimits(quotas, { redis, processes, log });
      const given = [];
      for (let n = 0; n < 8; n++) {
        // Evicted under `allkeys-lru`, or emptied by somebody else who uses it.
        await redis.client.flushAll();
        given.push((await limits.consume("login", "a")).allowed);
      }
      assert.deepEqual(
        given,
        [true, true, true, true, false, false, false, false],
        `${processes} processes`,
      );
    }
  } finally {
    redis.close();
  }
});

Deno.test("docs/operations.md: an ACL user of Redis needs no more than it says, in whatever database", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/operations.md", import.meta.url));
  const [, rules = ""] = /`(~limit:\*[^`]*)`/.exec(text) ?? [];
  await using server = await redisServer();
  const admin = connectRedis(new Secret(server.url), bounds);
  const url = server.url.replace("//", "//massacorp:word@");
  const redis = connectRedis(new Secret(`${url}/3`), bounds);
  const refused: string[] = [];
  const counted = createLogger({ level: "warn", write: (line) => refused.push(line) });
  try {
    await until("Redis is there", () => admin.client.isReady);
    await admin.client.aclSetUser("massacorp", ["on", ">word", ...rules.split(/\s+/)]);
    await until("it may come in", () => redis.client.isReady);
    await redis.ping();
    assert.match(await redis.client.info(), /redis_version/);
    const limits = createLimits(quotas, { redis, processes: 2, log: counted });
    assert.deepEqual(await allowed(limits, "a", 5), [true, true, true, true, false]);
    const failures = createFailureCounters({
      windowMs: 60_000,
      redis,
      clock: systemClock,
      log: counted,
    });
    await failures.add(["a"]);
    assert.deepEqual(await failures.read(["a"]), [1]);
    assert.deepEqual(refused, []);
  } finally {
    redis.close();
    admin.close();
  }
});

Deno.test("connectRedis: D4: one that takes commands and says nothing is waited for once, not by everybody", async () => {
  await using server = await redisServer();
  const redis = connectRedis(new Secret(server.url), { ...bounds, commandTimeoutMs: 2_000 });
  try {
    await until("Redis answers", () => redis.client.isReady);
    const limits = createLimits(quotas, { redis, processes: 2, log });
    assert.deepEqual(await allowed(limits, "a", 1), [true]);
    server.hang(true);
    const answers = async () => {
      // Half the quota, one of which was used: whoever asks at once waits together, whoever comes next not at all.
      const first = ["a", "b", "c"].map((source) => allowed(limits, source, 1));
      assert.deepEqual(await Promise.all(first), [[true], [true], [true]]);
      assert.deepEqual(await allowed(limits, "a", 20), Array(20).fill(false));
      await assert.rejects(redis.ping());
    };
    let over = false;
    const answered = answers().finally(() => over = true);
    // Were it waited for by each, that would be forty seconds.
    await until("everybody is answered while it hangs", () => over, { timeoutMs: 30_000 });
    await answered;
    server.hang(false);
    await until("it counts again", () => redis.ping().then(() => true));
    assert.deepEqual(await allowed(limits, "d", 5), [true, true, true, true, false]);
  } finally {
    server.hang(false);
    redis.close();
  }
});

Deno.test("connectRedis: a Redis that was never there delays nothing and stops nobody", async () => {
  const redis = connectRedis(new Secret("redis://127.0.0.1:1"), bounds);
  try {
    await assert.rejects(redis.ping());
    const limits = createLimits(quotas, { redis, processes: 2, log });
    assert.deepEqual(await allowed(limits, "a", 3), [true, true, false]);
  } finally {
    redis.close();
  }
});

Deno.test("limit: in production's own setting the sixth log-in in a minute is refused, for its source alone", async () => {
  await using api = await testApi({ env: { RATE_LIMIT_LOGIN: "5" } });
  const acme = await adminOf(api, "acme");
  const login = (via: RequestOptions["via"] & object) =>
    api.request("/api/v1/auth/login", {
      via,
      tenant: "acme",
      body: { email: acme.email, password: "wrong" },
    });
  const other = { listener: "loopback", address: "127.0.0.2" } as const;
  // One was used up by adminOf itself.
  for (let n = 0; n < 4; n++) assert.equal((await login(loopback)).status, 401);
  const hashes = api.deps.hasher.stats.hashes;
  const refused = await login(loopback);
  assert.equal(refused.status, 429);
  assert.equal(refused.body.code, "rate_limited");
  assert.equal(api.deps.hasher.stats.hashes, hashes, "it costs no hash");
  assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal(refused.headers.get("ratelimit-policy"), '"login";q=5;w=60');
  assert.match(refused.headers.get("ratelimit") ?? "", /^"login";r=0;t=\d+$/);
  assert.equal((await login(other)).status, 401);
  assert.equal((await login(operator)).status, 401);
});

Deno.test("limit: fifty log-ins at once get no more than the quota", async () => {
  await using api = await testApi({ env: { RATE_LIMIT_LOGIN: "5" } });
  const replies = await Promise.all(
    Array.from({ length: 50 }, () =>
      api.request("/api/v1/auth/login", {
        via: loopback,
        tenant: "acme",
        body: { email: "a@b.example", password: "x" },
      })),
  );
  assert.equal(replies.filter((reply) => reply.status === 401).length, 5);
  assert.equal(replies.filter((reply) => reply.status === 429).length, 45);
});

Deno.test("limit: whoever guesses the tokens of deliveries has five tries a minute", async () => {
  await using api = await testApi({ env: { RATE_LIMIT_LOGIN: "5" } });
  const guess = (via: RequestOptions["via"] & object) =>
    api.request("/api/v1/wireguard/deliveries", {
      via,
      tenant: "acme",
      body: {
        token: crypto.getRandomValues(new Uint8Array(32)).toBase64({
          alphabet: "base64url",
          omitPadding: true,
        }),
      },
    });
  await adminOf(api, "acme");
  const other = { listener: "loopback", address: "127.0.0.2" } as const;
  for (let n = 0; n < 5; n++) assert.equal((await guess(other)).status, 404);
  const refused = await guess(other);
  assert.deepEqual([refused.status, refused.body.code], [429, "rate_limited"]);
  assert.ok(refused.headers.has("retry-after"));
});

Deno.test("limit: what answers anybody and costs something is limited as well", async (t) => {
  for (const path of ["/ready", "/openapi.json"]) {
    await t.step(path, async () => {
      await using api = await testApi({ env: { RATE_LIMIT_ANONYMOUS: "2" } });
      const ask = async () => (await api.request(path, { via: loopback })).status;
      assert.deepEqual([await ask(), await ask(), await ask()], [200, 200, 429]);
    });
  }
});

Deno.test("limit: a source that is no peer is refused before it is counted", async () => {
  await using api = await testApi({ env: { RATE_LIMIT_ANONYMOUS: "1" } });
  for (let n = 0; n < 3; n++) {
    const reply = await api.request("/api/v1/info", { via: tunnelFrom("10.10.0.99") });
    assert.equal(reply.body.code, "wrong_tunnel");
  }
});

Deno.test("limit: the quotas that nobody set are those of the contract", async () => {
  await using api = await testApi({
    inProcess: "tells of a quota what one process has counted",
    env: { RATE_LIMIT_LOGIN: "", RATE_LIMIT_ANONYMOUS: "", RATE_LIMIT_AUTHENTICATED: "" },
  });
  const acme = await adminOf(api, "acme");
  const policy = async (path: string, options: RequestOptions) =>
    (await api.request(path, { via: loopback, ...options })).headers.get("ratelimit-policy");
  const asked = { body: { email: "a@b.example", password: "x" }, tenant: "acme" };
  assert.equal(await policy("/api/v1/auth/login", asked), '"login";q=5;w=60');
  assert.equal(await policy("/api/v1/auth/refresh", { body: {} }), '"anonymous";q=60;w=60');
  assert.equal(
    await policy("/api/v1/auth/me", { token: acme.token }),
    '"authenticated";q=1200;w=60',
  );
  // What is never counted tells the quota, and takes nothing of it.
  const told = new Set<string | null>();
  for (let n = 0; n < 70; n++) {
    const reply = await api.request("/health", { via: loopback });
    assert.equal(reply.status, 200);
    told.add(reply.headers.get("ratelimit")?.replace(/t=\d+/, "") ?? null);
  }
  assert.deepEqual([...told], ['"anonymous";r=59;']);
});
