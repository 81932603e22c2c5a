import assert from "node:assert/strict";
import { startTestCluster } from "../support/cluster.ts";
import type { Reply } from "../support/api.ts";
import { startPgbouncer, throughPgbouncer } from "../support/pgbouncer.ts";
import { adminOn, type Member, type Scale, threeApis } from "../support/scale.ts";
import { until } from "../support/until.ts";
import { type Seen, seen, tally, timeUntil } from "./trouble.ts";

/** An answer of which nginx has passed on the head before the process is killed, and not yet the rest. */
function whereCutOff(error: unknown): undefined {
  if (!(error instanceof TypeError && error.message.includes("reading a body"))) throw error;
}

/** A request, and what its caller saw of it. */
async function look(send: () => Promise<Reply>): Promise<Seen> {
  const started = performance.now();
  const reply = await send().catch(whereCutOff);
  const ms = Math.round(performance.now() - started);
  if (!reply) return { status: 0, code: "cut off", retryAfter: null, ms };
  const { status, body, headers } = reply;
  const code = status < 300 ? "" : body?.code ?? "no code";
  return { status, code, retryAfter: headers.get("retry-after"), ms };
}

/** What a tenant's admin asks for through nginx. */
function callsOf(scale: Scale, { from, token }: Member) {
  const by = { from, token };
  return {
    me: () => look(() => scale.request("/api/v1/auth/me", by)),
    /** A POST, which no proxy may send twice. */
    verify: () =>
      look(() =>
        scale.request("/api/v1/auth/verify-token", { from, tenant: "acme", body: { token } })
      ),
  };
}

/** Asks without pause, by so many at once, until told. @returns what was seen, with the time of its end */
function load(send: () => Promise<Seen>, inFlight: number) {
  const all: (Seen & { at: number })[] = [];
  let over = false;
  const running = Promise.all(Array.from({ length: inFlight }, async () => {
    while (!over) all.push({ ...await send(), at: performance.now() });
  }));
  return {
    all,
    async stop() {
      over = true;
      await running;
      return all;
    },
  };
}

Deno.test("trouble: D2: an API process killed behind nginx: reads are answered by the others, what was under way hears 503, and nothing is made twice", async () => {
  await using scale = await threeApis();
  const acme = await adminOn(scale, "acme");
  const { me, verify } = callsOf(scale, acme);
  const made: string[] = [];
  const create = () =>
    look(async () => {
      // As a client does that lost its answer: the same key until it has one.
      const headers = { "Idempotency-Key": crypto.randomUUID() };
      const name = `k-${headers["Idempotency-Key"].slice(0, 8)}`;
      for (;;) {
        const reply = await scale.request("/api/v1/wireguard/peers", {
          ...{ from: acme.from, token: acme.token, headers, body: { name } },
        }).catch(whereCutOff);
        if (reply?.status === 201) made.push(name);
        if (reply && reply.status !== 503) return reply;
      }
    });
  const [reads, posts, creations] = [load(me, 8), load(verify, 8), load(create, 2)];
  await until("all is under way", () => reads.all.length > 50 && posts.all.length > 50);
  const killed = performance.now();
  await scale.apis[0].stop("SIGKILL");
  const after = () => posts.all.filter(({ at }) => at > killed).length;
  await until("the others carry it", () => after() > 100);
  // Here, since what a tenant may hold would end sooner than nginx asks again.
  const creates = await creations.stop();
  const started = performance.now();
  await scale.apis[0].start();
  const port = `"upstream":"127.0.0.1:${scale.apis[0].port}"`;
  const from = (await scale.nginx.accessLog()).length;
  const asked = async () => (await scale.nginx.accessLog()).slice(from).includes(port);
  await until("nginx asks it again", asked, { timeoutMs: 60_000 });
  const askedAgainMs = Math.round(performance.now() - started);
  const [gets, writes] = [await reads.stop(), await posts.stop()];
  const failed = writes.filter(({ status }) => status !== 200);
  const cutOff = gets.filter(({ status }) => status === 0);
  seen("an API process killed behind nginx", {
    reads: tally(gets),
    posts: tally(writes),
    creations: tally(creates),
    lastRefusalMs: Math.round(Math.max(0, ...failed.map(({ at }) => at - killed))),
    askedAgainMs,
  });
  assert.deepEqual(
    Object.keys(tally(gets).answers).filter((each) => !/^(200|0 cut off)$/.test(each)),
    [],
  );
  assert.deepEqual(
    Object.keys(tally(writes).answers).filter((each) =>
      !/^(200|503 overloaded|0 cut off)$/.test(each)
    ),
    [],
  );
  assert(failed.every(({ status, retryAfter }) => status === 0 || retryAfter === "1"));
  assert(cutOff.length <= 8, `${cutOff.length}: more than were under way`);
  assert(failed.length <= 8, `${failed.length}: more than were under way`);
  assert.deepEqual(Object.keys(tally(creates).answers), ["201"]);
  const rows = await scale.db.owner`
    select name from wg_peers where name like 'k-%' order by name`;
  assert.deepEqual(rows.map(({ name }) => name), made.sort());
});

Deno.test("trouble: D4: Redis killed, and hanging, under three processes: all is answered, a little later, and counted again by itself", async () => {
  await using scale = await threeApis({ env: { REDIS_COMMAND_TIMEOUT: "250" } });
  const acme = await adminOn(scale, "acme");
  const { me } = callsOf(scale, acme);
  const some = async () => tally(await Promise.all(Array.from({ length: 30 }, me)));
  const whole = await some();
  const back = () =>
    timeUntil("every process counts with it", async () => {
      const checks = await Promise.all(scale.apis.map(async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/ready`);
        return (await response.json()).checks?.redis;
      }));
      return checks.every((each) => each === "ok");
    });
  await scale.redis.stop();
  const killed = await some();
  await scale.redis.start();
  const killedBackMs = await back();
  scale.redis.hang(true);
  const hanging = await some();
  scale.redis.hang(false);
  const hangingBackMs = await back();
  seen("Redis killed and hanging, three processes", {
    ...{ whole, killed, killedBackMs, hanging, hangingBackMs },
  });
  for (const told of [whole, killed, hanging]) assert.deepEqual(told.answers, { 200: 30 });
  assert(hanging.slowest < whole.slowest + 2_000, `${hanging.slowest} ms`);
});

Deno.test("trouble: pgbouncer killed: 503 with Retry-After at once, and all is well by itself when it is back", async () => {
  await using undo = new AsyncDisposableStack();
  const cluster = await startTestCluster({ inMemory: true });
  undo.defer(() => cluster.stop());
  const pooler = undo.use(await startPgbouncer(cluster));
  const scale = undo.use(
    await threeApis({
      cluster,
      env: { DATABASE_POOL_TIMEOUT: "800ms" },
      envOf: (_, db) => ({
        DATABASE_PREPARE: "off",
        DATABASE_URL: throughPgbouncer(db.url("massacorp_api"), pooler),
        DATABASE_PLATFORM_URL: throughPgbouncer(db.url("massacorp_platform"), pooler),
      }),
    }),
  );
  const acme = await adminOn(scale, "acme");
  const { me, verify } = callsOf(scale, acme);
  const burst = () => Promise.all(Array.from({ length: 10 }, () => [me(), verify()]).flat());
  const well = async () => (await burst()).every(({ status }) => status === 200);
  await timeUntil("connections are open", well);
  const underWay = burst();
  await pooler.kill();
  const first = (await underWay).filter(({ status }) => status !== 200);
  const during = await burst();
  await pooler.up();
  const backMs = await timeUntil("all is well", well);
  const told = tally([...first, ...during]);
  seen("pgbouncer killed, three processes", { ...told, backMs });
  const allowed = /^503 (database_unavailable|overloaded)$/;
  assert.deepEqual(Object.keys(told.answers).filter((each) => !allowed.test(each)), []);
  assert(during.length > 0);
  assert([...first, ...during].every(({ retryAfter }) => retryAfter === "1"));
  assert(told.slowest < 1_500, `${told.slowest} ms`);
});
