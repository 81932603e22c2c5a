import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { bootstrap, databaseUrl } from "../../db/roles.ts";
import { Secret } from "../../lib/secret.ts";
import { startTestCluster, testPassword } from "../../tests/support/cluster.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { until } from "../../tests/support/until.ts";
import { DatabaseUnavailable, isConnectionError, translateDatabaseError } from "./errors.ts";
import { createPool, type Pool, type PoolOptions } from "./pool.ts";
import { asTenantId, createPlatform, createTenancy } from "./tenancy.ts";
import { watch } from "./watch.ts";

type TestPool = Pool & AsyncDisposable;

function testPool(url: Secret<string>, options: Partial<PoolOptions> = {}): TestPool {
  const pool = createPool(url, {
    applicationName: "pool-test",
    size: 1,
    overflow: 0,
    // Where none tests it, nobody is late on a machine that is slow and busy.
    timeoutMs: 60_000,
    recycleSeconds: 3600,
    ...options,
  });
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}

async function backend(pool: Pool): Promise<number> {
  const [row] = await pool.use(({ sql }) => sql<{ pid: number }[]>`select pg_backend_pid() as pid`);
  return row?.pid ?? 0;
}

Deno.test("createPool: a caller waits for a connection as long as told, then gets DatabaseUnavailable", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_api"), { size: 2, timeoutMs: 3000 });
  const release = Promise.withResolvers<void>();
  const holders = [pool.use(() => release.promise), pool.use(() => release.promise)];
  await assert.rejects(pool.use(({ sql }) => sql`select 1`), DatabaseUnavailable);
  const { waitedSeconds, ...stats } = pool.stats;
  assert.deepEqual(stats, { busy: 2, waiting: 0, size: 2, timeouts: 1 });
  assert.ok(waitedSeconds >= 2.9);
  release.resolve();
  await Promise.all(holders);
  assert.equal((await pool.use(({ sql }) => sql`select 1`)).length, 1);
  assert.equal(pool.stats.busy, 0);
});

Deno.test("createPool: those who wait are served in their order", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_api"));
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      pool.use(async ({ sql }) => {
        await sql`select 1`;
        order.push(index);
      })),
  );
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("createPool: no tenant holds more than half of the connections while there are others, and those who wait take turns by tenant", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_api"), {
    size: 3,
    overflow: 1,
    quietMs: 60_000,
  });
  const tenancy = createTenancy(pool);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const held: Promise<unknown>[] = [];
  const ask = (tenant: number, name: string) => {
    const asked = tenancy.transaction(asTenantId(tenant), async (sql) => {
      await sql`select 1`;
      begun.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(name, resolve);
      await promise;
    });
    held.push(asked);
  };
  const end = (name: string) => {
    ends.get(name)?.();
    ends.delete(name);
  };
  const begins = (...names: string[]) =>
    until(`${names} begin`, () => names.every((name) => begun.includes(name)));

  for (const n of [1, 2, 3, 4, 5, 6]) ask(1, `a${n}`);
  await begins("a1", "a2", "a3", "a4");
  assert.deepEqual([pool.stats.busy, pool.stats.waiting], [4, 2], "one alone has them all");
  ask(2, "b1");
  ask(2, "b2");
  ask(2, "b3");
  end("a1");
  await begins("b1");
  end("a2");
  await begins("b2");
  // All four are held now, and the newest of those who wait has least of them.
  ask(3, "c1");
  assert.deepEqual([pool.stats.busy, pool.stats.waiting], [4, 4]);
  end("a3");
  await begins("c1");
  end("c1");
  await begins("a5");
  end("b1");
  await begins("b3");
  assert.deepEqual(begun.slice(4), ["b1", "b2", "c1", "a5", "b3"]);
  end("b2");
  end("b3");
  await until("b is done", () => pool.stats.busy === 2);
  assert.equal(pool.stats.waiting, 1, "a may hold no more, though two are free");
  const query = tenancy.query(asTenantId(3), (sql) => sql<{ one: number }[]>`select 1 as one`);
  assert.deepEqual([...(await query)], [{ one: 1 }]);
  assert.equal(begun.includes("a6"), false);
  end("a4");
  await begins("a6");
  end("a5");
  end("a6");
  await Promise.all(held);
  assert.deepEqual([pool.stats.busy, pool.stats.waiting, pool.stats.timeouts], [0, 0, 0]);
});

Deno.test("createPool: a connection is replaced when it is old, between two holders", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_api"), { recycleSeconds: 0.05 });
  const first = await backend(pool);
  await until("another connection", async () => await backend(pool) !== first);
  // Who has one keeps it, however old it gets under him.
  const pids = new Set<number>();
  await pool.use(async ({ sql }) => {
    for (let n = 0; n < 3; n++) {
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid, pg_sleep(0.06)`;
      pids.add(row?.pid ?? 0);
    }
  });
  assert.equal(pids.size, 1);
});

Deno.test("D1: a transaction that outlives its connection's lifetime keeps the connection and commits whole", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_platform"), { recycleSeconds: 0.05 });
  const pids = new Set<number>();
  await createPlatform(pool).transaction(async (sql) => {
    const until = performance.now() + 200;
    do {
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
      pids.add(row?.pid ?? 0);
    } while (performance.now() < until);
    await sql`insert into tenants (slug, name) values ('late', 'Late')`;
  });
  assert.equal(pids.size, 1);
  assert.equal((await db.owner`select from tenants where slug = 'late'`).length, 1);
});

Deno.test("D1: a backend that dies in a transaction commits nothing, and the pool goes on", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_platform"));
  const platform = createPlatform(pool);
  for (const moment of ["between two statements", "during a statement"] as const) {
    const work = platform.transaction(async (sql) => {
      await sql`insert into tenants (slug, name) values ('lost', 'Lost')`;
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
      await Promise.all([
        ...(moment === "during a statement" ? [sql`select pg_sleep(10)`] : []),
        db.superuser`select pg_terminate_backend(${row?.pid ?? 0}, 5000)`,
      ]);
      await sql`insert into tenants (slug, name) values ('after', 'After')`;
    });
    await assert.rejects(work, (error) => isConnectionError(error), moment);
    assert.equal((await db.owner`select from tenants`).length, 0, moment);
    const rows = await platform.transaction((sql) => sql`select id from tenants`);
    assert.equal(rows.length, 0, moment);
  }
  assert.equal(pool.stats.busy, 0);
});

Deno.test("createPool: whatever keeps a connection from being opened, the database is away, and the log has the words", async () => {
  await using db = await testDatabase();
  const right = db.url("massacorp_api").reveal();
  const cases: Record<string, [url: string, words: RegExp]> = {
    "another password": [right.replace(/:[^:@/]*@/, ":wrong@"), /password authentication failed/],
    "another database": [right.replace(/\/[^/?]*\?/, "/nope?"), /"nope" does not exist/],
    // As of a certificate that is not trusted, or a host name that is not found.
    "no TLS there": [`${right}&sslmode=verify-full`, /./],
  };
  for (const [what, [url, words]] of Object.entries(cases)) {
    await using pool = testPool(new Secret(url), { timeoutMs: 10_000 });
    const error = await pool.use(({ sql }) => sql`select 1`).then(
      () => new Error("none"),
      (e) => e,
    );
    assert.match(error.message, words, what);
    assert.equal(translateDatabaseError(error)?.code, "database_unavailable", what);
  }
});

Deno.test("createPool: PostgreSQL stopped and started again is used again without a restart", async () => {
  const cluster = await startTestCluster();
  try {
    const passwords = {
      massacorp_owner: testPassword,
      massacorp_api: testPassword,
      massacorp_platform: testPassword,
      massacorp_wgd: testPassword,
      massacorp_sealer: testPassword,
    };
    const url = (role: string, database = "massacorp") =>
      databaseUrl({ role, password: testPassword, socketFolder: cluster.socketFolder, database });
    await bootstrap(url("postgres", "postgres"), passwords);
    const owner = connect(url("massacorp_owner"), {
      max: 1,
      applicationName: "owner",
      connectTimeout: 60,
    });
    await owner`grant usage on schema public to public`;
    await owner.end();
    const timeoutMs = 60_000;
    await using pool = testPool(url("massacorp_api"), { size: 3, timeoutMs });
    const tenancy = createTenancy(pool);
    const ask = () => tenancy.query(asTenantId(7), (sql) => sql`select 1 as answer`);
    await Promise.all([ask(), ask(), ask()]);

    await cluster.down();
    for (let round = 0; round < 5; round++) {
      const before = performance.now();
      const results = await Promise.allSettled([ask(), ask(), ask(), ask()]);
      for (const result of results) {
        assert.equal(result.status, "rejected");
        if (result.status === "rejected") assert.ok(isConnectionError(result.reason));
      }
      const took = performance.now() - before;
      assert.ok(took < timeoutMs / 2, "that the database is down is told, and not waited for");
    }

    await cluster.up();
    assert.equal((await ask())[0]?.answer, 1);
    assert.equal(pool.stats.busy, 0);
  } finally {
    await cluster.stop();
  }
});

Deno.test("share: many statements are under way on one connection, and those beyond 64 wait for one of their own", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_api"), { size: 2 });
  const pid = (delay = 0) =>
    pool.share((slot) =>
      watch(slot, slot.sql<{ pid: number }[]>`select pg_backend_pid() as pid, pg_sleep(${delay})`)
    ).then(([row]) => row?.pid ?? 0);
  const asked = await Promise.all(Array.from({ length: 64 }, () => pid()));
  assert.deepEqual([new Set(asked).size, pool.stats.busy], [1, 0]);
  const stuck = Array.from({ length: 64 }, (_, n) => pid(n === 0 ? 0.5 : 0));
  const others = await Promise.all([pid(), pid(), pid()]);
  assert(!others.includes(asked[0] ?? 0));
  assert.deepEqual(new Set(await Promise.all(stuck)), new Set(asked));
  await pool.end();
  await assert.rejects(pid(), DatabaseUnavailable);
});

Deno.test("share: what is under way on a connection that dies is rejected, and the next one is used", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_api"));
  const pid = (seconds = 0) =>
    pool.share((slot) =>
      watch(slot, slot.sql<{ pid: number }[]>`select pg_backend_pid() as pid, pg_sleep(${seconds})`)
    ).then(([row]) => row?.pid ?? 0);
  const first = await pid();
  const asked = Promise.allSettled([pid(60), pid(), pid()]);
  await until("the first is under way", async () =>
    (await db.superuser`
      select from pg_stat_activity where pid = ${first} and wait_event = 'PgSleep'`).length === 1);
  await db.superuser`select pg_terminate_backend(${first}, 5000)`;
  for (const outcome of await asked) {
    assert.equal(outcome.status, "rejected");
    if (outcome.status === "rejected") assert.ok(isConnectionError(outcome.reason));
  }
  assert.notEqual(await pid(), first);
});

Deno.test("share: a connection that grew old is replaced, and closed with its last answer", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_api"), { recycleSeconds: 0.05 });
  const pid = (seconds = 0) =>
    pool.share((slot) =>
      watch(slot, slot.sql<{ pid: number }[]>`select pg_backend_pid() as pid, pg_sleep(${seconds})`)
    ).then(([row]) => row?.pid ?? 0);
  const slow = pid(0.3);
  await until("another connection", async () => await pid() !== await pid());
  const first = await slow;
  assert(first > 0);
  await until(
    "the old one is closed",
    async () =>
      (await db.superuser`select from pg_stat_activity where pid = ${first}`).length === 0,
  );
});

Deno.test("createPool: overflow connections are closed when they are idle, and opened again when needed", async () => {
  await using db = await testDatabase();
  await using pool = testPool(db.url("massacorp_api"), { overflow: 3, overflowIdleMs: 50 });
  const open = async () => {
    const [row] = await db.superuser<[{ n: number }]>`
      select count(*)::integer as n from pg_stat_activity
      where application_name = 'pool-test' and datname = ${db.name}`;
    return row.n;
  };
  const burst = () =>
    Promise.all(Array.from({ length: 4 }, () =>
      pool.use(async ({ sql }) => {
        await sql`select 1`;
        // All four hold theirs until the last one has its own.
        if (pool.stats.busy === 4) all.resolve();
        await all.promise;
      })));
  let all = Promise.withResolvers<void>();
  const kept = await backend(pool);
  for (let round = 0; round < 2; round++) {
    all = Promise.withResolvers<void>();
    await burst();
    await until("the overflow is closed", async () => await open() === 1);
  }
  assert.equal(await backend(pool), kept, "the one that is kept is the first");
});

Deno.test("createPool: a proxy that accepts and hangs up is given up in time, at once or after the first words", async (t) => {
  for (const listens of [false, true]) {
    await t.step(listens ? "after the first words" : "at once", async () => {
      await using proxy = hangingUp(listens);
      await using pool = testPool(proxy.url, { timeoutMs: 1000 });
      for (let round = 1; round <= 2; round++) {
        const before = performance.now();
        await assert.rejects(pool.use(({ sql }) => sql`select 1`), (error: Error) => {
          return isConnectionError(error);
        });
        assert(performance.now() - before < 20_000, "within its bound, and not never");
        assert(proxy.accepted() >= round, "each holder has it tried anew");
        assert.equal(pool.stats.busy, 0);
      }
    });
  }
});

/** Stands where PostgreSQL's socket would be. */
function hangingUp(listens: boolean) {
  const folder = Deno.makeTempDirSync({ prefix: "massacorp-hang-up-" });
  const listener = Deno.listen({ transport: "unix", path: `${folder}/.s.PGSQL.5432` });
  let accepted = 0;
  const working = (async () => {
    for await (const connection of listener) {
      accepted++;
      if (listens) await connection.read(new Uint8Array(1024));
      connection.close();
    }
  })();
  return {
    url: databaseUrl({
      role: "massacorp_api",
      password: testPassword,
      socketFolder: folder,
      database: "massacorp",
    }),
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      listener.close();
      await working;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
