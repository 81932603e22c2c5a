import assert from "node:assert/strict";
import { seedInterface, seedTenant } from "../../tests/support/seed.ts";
import type { Secret } from "../../lib/secret.ts";
import { holdingProxy } from "../../tests/support/holding_proxy.ts";
import { type TestDatabase, testDatabase } from "../../tests/support/database.ts";
import { until } from "../../tests/support/until.ts";
import { createPool, type Pool } from "./pool.ts";
import {
  asTenantId,
  createPlatform,
  createTenancy,
  type TenantId,
  type TenantSql,
} from "./tenancy.ts";

interface World extends AsyncDisposable {
  db: TestDatabase;
  a: TenantId;
  b: TenantId;
  /** By default as the API's role. */
  pool(size: number, url?: Secret<string>): Pool;
}

async function world(): Promise<World> {
  const db = await testDatabase();
  await seedInterface(db.owner);
  const a = await seedTenant(db.owner, "alpha");
  const b = await seedTenant(db.owner, "beta");
  const pools: Pool[] = [];
  return {
    db,
    a: asTenantId(a.id),
    b: asTenantId(b.id),
    pool(size, url = db.url("massacorp_api")) {
      const pool = createPool(url, {
        applicationName: "tenancy-test",
        size,
        overflow: 0,
        timeoutMs: 60_000,
        recycleSeconds: 3600,
      });
      pools.push(pool);
      return pool;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool.end()));
      await db[Symbol.asyncDispose]();
    },
  };
}

/** What the next holder of the pool's one connection finds on it. */
async function leftBehind(pool: Pool): Promise<{ tenant: string; visible: number; open: boolean }> {
  const [row] = await pool.use(({ sql }) =>
    sql<{ tenant: string | null; visible: number; open: boolean }[]>`
      select current_setting('app.tenant_id', true) as tenant,
        (select count(*)::integer from users) as visible, pg_current_xact_id_if_assigned() is not null as open`
  );
  return { tenant: row?.tenant ?? "", visible: row?.visible ?? -1, open: row?.open ?? true };
}

const clean = { tenant: "", visible: 0, open: false };
const emails = (sql: TenantSql) => sql<{ tenant_id: number }[]>`select tenant_id from users`;

Deno.test("N1: query shows the rows of its tenant, and leaves no tenant on the connection", async () => {
  await using given = await world();
  const pool = given.pool(1);
  const tenancy = createTenancy(pool);
  for (const tenant of [given.a, given.b, given.a]) {
    const rows = await tenancy.query(tenant, emails);
    assert.deepEqual(rows.map((row) => row.tenant_id), [tenant]);
    assert.deepEqual(await leftBehind(pool), clean);
  }
  assert.equal((await tenancy.query(asTenantId(999), emails)).length, 0);
});

Deno.test("N1: ask is inside no tenant but the one that its function enters, and leaves none on the connection", async () => {
  await using given = await world();
  const pool = given.pool(1);
  const tenancy = createTenancy(pool);
  const [session] = await given.db.owner<{ id: string; user_id: number }[]>`
    select id, user_id from sessions where tenant_id = ${given.a}`;
  const inForce = (tenant: TenantId) =>
    tenancy.ask((sql) =>
      sql<{ slug: string }[]>`
        select slug from session_proof(${tenant}, ${session?.id ?? ""}, ${
        session?.user_id ?? 0
      }, now())`
    );
  const left = () =>
    tenancy.ask((sql) =>
      sql<{ tenant: string; visible: number; open: boolean }[]>`
        select coalesce(current_setting('app.tenant_id', true), '') as tenant,
          (select count(*)::integer from users) as visible, pg_current_xact_id_if_assigned() is not null as open`
    );
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => n % 4 === 3 ? left() : inForce(n % 4 ? given.a : given.b)),
  );
  for (const [n, rows] of answers.entries()) {
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      n % 4 === 3 ? [clean] : n % 4 ? [{ slug: "alpha" }] : [],
    );
  }
  // One that fails in between takes nothing with it.
  const mixed = await Promise.allSettled([
    inForce(given.a),
    tenancy.ask((sql) => sql`select 1 / ${0}::integer`),
    left(),
    inForce(given.a),
  ]);
  assert.deepEqual(mixed.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  assert.deepEqual((await left()).map((row) => ({ ...row })), [clean]);
});

Deno.test("query: BEGIN, tenant, statement and COMMIT are all sent before any answer is read", async () => {
  await using given = await world();
  await using proxy = await holdingProxy(given.db.url("massacorp_api"));
  const pool = given.pool(1, proxy.url);
  const tenancy = createTenancy(pool);
  const ask = () => tenancy.query(given.a, (sql) => sql`select from users where id > ${0}`);
  await ask();
  proxy.holdUntil(4);
  let rows: number | undefined;
  const asked = ask().then((result) => rows = result.length, () => {});
  try {
    await until("the answer, which waits for the fourth question", () => rows);
  } finally {
    proxy.holdUntil(0);
    await asked;
    await pool.end();
  }
  assert.equal(rows, 1);
});

Deno.test("N1: when the tenant cannot be set the statement fails too, and the next user sees nothing", async () => {
  await using given = await world();
  const pool = given.pool(1);
  const tenancy = createTenancy(pool);
  // A TenantId is a number, so that no text of a request gets here; this one comes past the compiler.
  const hostile = asTenantId(JSON.parse('"1\\u0000"'));
  assert.equal((await tenancy.query(given.a, emails)).length, 1);
  await assert.rejects(tenancy.query(hostile, emails), { code: "22021" });
  assert.deepEqual(await leftBehind(pool), clean);
  let seen = 0;
  await assert.rejects(tenancy.transaction(hostile, async (sql) => {
    seen = (await emails(sql)).length;
  }));
  assert.equal(seen, 0);
  assert.deepEqual(await leftBehind(pool), clean);
});

Deno.test("N1: 50 parallel queries of two tenants over four connections never show a foreign row", async () => {
  await using given = await world();
  const tenancy = createTenancy(given.pool(4));
  const asked = Array.from({ length: 50 }, async (_, index) => {
    const tenant = index % 2 ? given.a : given.b;
    const other = index % 2 ? given.b : given.a;
    const rows = index % 5 === 0
      ? await tenancy.transaction(tenant, async (sql) => {
        await sql`select pg_sleep(0.002)`;
        return await emails(sql);
      })
      : index % 7 === 0
      ? await tenancy.query(
        tenant,
        (sql) => sql<{ tenant_id: number }[]>`select 1 / 0 as tenant_id`,
      )
        .catch(() => [{ tenant_id: tenant }])
      : await tenancy.query(
        tenant,
        (sql) =>
          sql<
            { tenant_id: number }[]
          >`select tenant_id from users where tenant_id in (${tenant}, ${other})`,
      );
    assert.deepEqual(rows.map((row) => row.tenant_id), [tenant]);
  });
  assert.equal((await Promise.all(asked)).length, 50);
});

Deno.test("D1: a transaction that throws leaves nothing, whatever it throws", async () => {
  await using given = await world();
  const pool = given.pool(1);
  const tenancy = createTenancy(pool);
  const errors = [
    new Error("plain"),
    // Of another service: it says nothing about this connection.
    Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" }),
  ];
  for (const error of errors) {
    const work = tenancy.transaction(given.a, async (sql) => {
      await sql`update users set name = 'changed'`;
      throw error;
    });
    await assert.rejects(work, error);
    assert.deepEqual(await leftBehind(pool), clean);
  }
  const swallowed = tenancy.transaction(given.a, async (sql) => {
    await sql`update users set name = 'changed'`;
    await sql`select 1 / 0`.catch(() => {});
  });
  await assert.rejects(swallowed, /rolled back/);
  assert.equal((await given.db.owner`select from users where name = 'changed'`).length, 0);
});

Deno.test("query: a statement that throws while it is written leaves no transaction open", async () => {
  await using given = await world();
  const pool = given.pool(1);
  const work = createTenancy(pool).query(given.a, () => {
    throw new RangeError("no statement");
  });
  await assert.rejects(work, RangeError);
  assert.deepEqual(await leftBehind(pool), clean);
});

Deno.test("query, transaction: a value that cannot be serialised is an error, and the connection is replaced", async () => {
  await using given = await world();
  const pool = given.pool(1);
  const tenancy = createTenancy(pool);
  const ask = (at: Date) =>
    tenancy.query(given.a, (sql) => sql<{ at: Date }[]>`select ${at}::timestamptz as at`);
  const inside = (at: Date) =>
    tenancy.transaction(
      given.a,
      (sql) => Promise.all([sql`select 1`, sql`select ${at}::timestamptz as at`]),
    );
  const good = new Date(0);
  for (const attempt of [ask, inside]) {
    // Once before the statement is prepared and once after: the driver fails in different places.
    for (const prepared of [false, true]) {
      if (prepared) await attempt(good);
      await assert.rejects(attempt(new Date(NaN)), RangeError);
      assert.deepEqual([...await ask(good)], [{ at: good }]);
    }
  }
  assert.equal(pool.stats.busy, 0);
});

Deno.test("N1: no statement speaks after its transaction ended, however it was kept", async () => {
  await using given = await world();
  const pool = given.pool(1);
  const tenancy = createTenancy(pool);
  const over = /after its transaction had ended/;

  const kept = await tenancy.transaction(given.a, (sql) => Promise.resolve({ sql }));
  await assert.rejects(async () => await emails(kept.sql), over);

  const lazy = await tenancy.transaction(
    given.a,
    (sql) => Promise.resolve({ statement: emails(sql) }),
  );
  await assert.rejects(async () => await lazy.statement, over);

  let fromQuery: TenantSql | undefined;
  await tenancy.query(given.a, (sql) => emails(fromQuery = sql));
  await assert.rejects(async () => fromQuery && await emails(fromQuery), over);
  assert.deepEqual(await leftBehind(pool), clean);
});

Deno.test("D1: a branch that outlives its failed transaction changes nothing", async () => {
  await using given = await world();
  const platform = createPlatform(given.pool(1, given.db.url("massacorp_platform")));
  let stray: Promise<unknown> | undefined;
  const work = platform.transaction((sql) => {
    stray = (async () => {
      await sql`select pg_sleep(0.02)`;
      await sql`insert into tenants (slug, name) values ('stray', 'Stray')`;
    })();
    stray.catch(() => {});
    return Promise.reject(new Error("the other branch failed"));
  });
  await assert.rejects(work, /the other branch failed/);
  await assert.rejects(async () => await stray, /after its transaction had ended/);
  assert.equal((await given.db.owner`select from tenants where slug = 'stray'`).length, 0);
});

Deno.test("N1: the platform role enters one tenant for one transaction", async () => {
  await using given = await world();
  const pool = given.pool(1, given.db.url("massacorp_platform"));
  const platform = createPlatform(pool);
  const seen = await platform.transaction(async (sql, enter) => {
    const before = await sql`select from users`;
    await enter(given.a);
    const inside = await sql<{ tenant_id: number }[]>`select tenant_id from users`;
    return { before: before.length, inside: inside.map((row) => row.tenant_id) };
  });
  assert.deepEqual(seen, { before: 0, inside: [given.a] });
  assert.deepEqual(await leftBehind(pool), clean);
});
