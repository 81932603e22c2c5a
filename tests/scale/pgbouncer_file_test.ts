import assert from "node:assert/strict";
import postgres from "postgres";
import { databaseUrl } from "../../db/roles.ts";
import { Secret } from "../../lib/secret.ts";
import { startTestCluster, testPassword } from "../support/cluster.ts";
import { testDatabase } from "../support/database.ts";
import { forgetDatabase, startPgbouncer, throughPgbouncer } from "../support/pgbouncer.ts";
import { until } from "../support/until.ts";

/** Each line of deploy/pgbouncer/pgbouncer.ini that nothing else would miss. */
Deno.test("pgbouncer: gives each transaction a connection, lets in who PostgreSQL lets in, and bounds every wait", async (t) => {
  await using undo = new AsyncDisposableStack();
  const cluster = await startTestCluster({ inMemory: true });
  undo.defer(() => cluster.stop());
  // All but the size of its pools is the file's own.
  const pooler = undo.use(await startPgbouncer(cluster, { default_pool_size: 1 }));
  const db = undo.use(await testDatabase({ on: cluster }));
  const database = new URL(db.url("massacorp_api").reveal()).pathname.slice(1);
  undo.defer(() => forgetDatabase(pooler, database));
  const clientOf = (role: Parameters<typeof db.url>[0], password = testPassword, max = 1) => {
    const url = databaseUrl({
      ...{ role, password, socketFolder: cluster.socketFolder, database },
    });
    const through = new URL(throughPgbouncer(url, pooler));
    through.searchParams.delete("host");
    const sql = postgres(through.href, {
      ...{ max, prepare: false, connect_timeout: 30, onnotice: () => {} },
      // Refused, this question of the driver's own would end the process.
      ...{ fetch_types: false, path: `${pooler.folder}/.s.PGSQL.${pooler.port}` },
    });
    undo.defer(() => sql.end({ timeout: 1 }));
    return sql;
  };
  const [one, two] = [clientOf("massacorp_api"), clientOf("massacorp_api")];
  const backend = async (sql: typeof one) =>
    (await sql<[{ pid: number }]>`select pg_backend_pid() as pid`)[0].pid;

  await t.step("two clients that are both connected take turns on one connection", async () => {
    assert.equal(await backend(one), await backend(two));
    assert.equal(await backend(one), await backend(two));
  });

  await t.step("who waits longer than two seconds is told", async () => {
    const begun = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const holder = one.begin(async (sql) => {
      await sql`select 1`;
      begun.resolve();
      await over.promise;
    });
    await begun.promise;
    const started = performance.now();
    const refused = await backend(two).then(() => null, (error) => error);
    const took = performance.now() - started;
    over.resolve();
    await holder;
    assert.match(String(refused), /query_wait_timeout|CONNECTION_CLOSED/);
    assert(took > 1_500 && took < 8_000, `${took} ms`);
    await until("the next is served", () => backend(two));
  });

  await t.step(
    "nobody is let in whom PostgreSQL would not let in, and nobody over the network",
    async () => {
      for (
        const sql of [
          clientOf("massacorp_api", new Secret("a wrong password")),
          clientOf("massacorp_platform", new Secret("")),
          // It has no business here: its verifier is not in the file.
          clientOf("massacorp_owner"),
        ]
      ) await assert.rejects(backend(sql), /password|auth|no such user|SASL|CONNECTION_CLOSED/i);
      assert((await backend(clientOf("massacorp_platform"))) > 0);
      await assert.rejects(
        Deno.connect({ hostname: "127.0.0.1", port: pooler.port }),
        Deno.errors.ConnectionRefused,
      );
      await assert.rejects(
        Deno.connect({ hostname: "::1", port: pooler.port }),
        // Or there is no such address here.
        (error) => !(error instanceof assert.AssertionError),
      );
    },
  );

  await t.step("hundreds of clients are connected at once", async () => {
    const waves = [1, 2, 3].map(() => clientOf("massacorp_api", testPassword, 60));
    const pids = new Set<number>();
    // Not all at once: they have to be accepted as well.
    for (const sql of waves) {
      for (const pid of await Promise.all(Array.from({ length: 60 }, () => backend(sql)))) {
        pids.add(pid);
      }
    }
    assert.equal(pids.size, 1);
    for (const sql of waves) await sql.end({ timeout: 1 });
  });

  await t.step("a server that was away is asked again within seconds", async () => {
    for (const sql of [one, two]) await sql.end({ timeout: 1 });
    // A client each: an error on a connection that asks nothing would end the process as well.
    const attempt = async () => {
      const sql = clientOf("massacorp_api");
      try {
        return await backend(sql);
      } finally {
        await sql.end({ timeout: 1 });
      }
    };
    await cluster.kill();
    await assert.rejects(attempt());
    await cluster.up();
    const started = performance.now();
    await until("it is asked", attempt);
    // Without its line it would wait for 15 s.
    assert(performance.now() - started < 12_000);
  });

  await t.step("its log tells of trouble, and of no connection", async () => {
    const log = await pooler.log();
    assert.match(log, /query_wait_timeout/);
    assert.doesNotMatch(
      log,
      /login attempt|closing because: client close request|LOG S-.*new connection/,
    );
  });
});
