import assert from "node:assert/strict";
import { connect } from "../db/connection.ts";
import { type TestDatabase, testDatabase } from "../tests/support/database.ts";
import { checkpointFolder, testSealer, verify } from "../tests/support/sealer.ts";
import { until } from "../tests/support/until.ts";
import { lagSeconds } from "./metrics.ts";

async function tenant(db: TestDatabase, slug: string): Promise<number> {
  const [row] = await db.owner<[{ id: number }]>`
    insert into tenants (slug, name) values (${slug}, ${slug}) returning id`;
  return row.id;
}

const write = (db: TestDatabase, tenantId: number, count = 1) =>
  db.owner`
    insert into audit_log (tenant_id, actor, action, outcome, details)
    select ${tenantId}, 'operator', 'test.entry', 'succeeded', jsonb_build_object('n', n)
    from generate_series(1, ${count}) n`;

/** The entries of a tenant in the order of its chain. */
const chain = async (db: TestDatabase, tenantId: number) =>
  (await db.owner<{ seq: string; entry_id: string }[]>`
    select seq, entry_id from audit_seals where tenant_id = ${tenantId} order by seq`)
    .map((row) => [Number(row.seq), row.entry_id] as const);

Deno.test("round: D1: an entry is sealed when it is committed, once, whatever the order of ids", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await using given = await testSealer(db, folder.path);
  const acme = await tenant(db, "acme");
  const insert = (sql: TestDatabase["owner"]) =>
    sql<[{ id: string }]>`
      insert into audit_log (tenant_id, actor, action, outcome)
      values (${acme}, 'operator', 'test.entry', 'succeeded') returning id`;
  const slow = await db.owner.reserve();
  const lost = await db.owner.reserve();
  await slow`begin`;
  const [early] = await slow<[{ id: string }]>`
    insert into audit_log (tenant_id, actor, action, outcome)
    values (${acme}, 'operator', 'test.slow', 'succeeded') returning id`;
  await lost`begin`;
  await lost`insert into audit_log (tenant_id, actor, action, outcome)
    values (${acme}, 'operator', 'test.lost', 'succeeded')`;
  const [first] = await insert(db.owner);
  await given.seal();
  // Neither waits for the transaction that is open, nor takes its entry.
  assert.deepEqual(await chain(db, acme), [[1, first.id]]);
  const [second] = await insert(db.owner);
  await lost`rollback`;
  await given.seal();
  assert.deepEqual(await chain(db, acme), [[1, first.id], [2, second.id]]);
  await slow`commit`;
  await given.seal();
  await given.seal();
  assert.deepEqual(await chain(db, acme), [[1, first.id], [2, second.id], [3, early.id]]);
  assert.ok(BigInt(early.id) < BigInt(first.id));
  slow.release();
  lost.release();
  const report = await verify(db, folder.path);
  assert.deepEqual([report.intact, report.checkpoints.last], [true, 3]);
});

Deno.test("round: D1: fifty writers of one tenant at once, sealed all the while, leave a chain without a gap", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await using given = await testSealer(db, folder.path, { batchSize: 7 });
  const acme = await tenant(db, "acme");
  await using pool = {
    sql: connect(db.url("massacorp_api"), {
      max: 50,
      applicationName: "test-writers",
      // Fifty at once on a busy machine take their time.
      connectTimeout: 60,
    }),
    [Symbol.asyncDispose]: () => pool.sql.end({ timeout: 5 }),
  };
  let writing = true;
  // Every writer holds its entry until all fifty have written: were they serialised, none would ever commit.
  const all = Promise.withResolvers<void>();
  let written = 0;
  const writers = Promise.all(Array.from({ length: 50 }, () =>
    pool.sql.begin(async (sql) => {
      await sql`select set_config('app.tenant_id', ${String(acme)}, true)`;
      for (let n = 0; n < 4; n++) {
        await sql`insert into audit_log (tenant_id, actor, action, outcome)
          values (${acme}, 'operator', 'test.entry', 'succeeded')`;
      }
      written++;
      if (written === 50) all.resolve();
      await all.promise;
    }))).finally(() => writing = false);
  while (writing) await given.sealer.round();
  await writers;
  // A sweep that was under way is through with what was there when it began; the next one has the rest.
  await given.seal();
  await given.seal();
  const sealed = await chain(db, acme);
  assert.deepEqual(sealed.map(([seq]) => seq), Array.from({ length: 200 }, (_, n) => n + 1));
  assert.equal(new Set(sealed.map(([, id]) => id)).size, 200);
  assert.equal((await verify(db, folder.path)).intact, true);
});

Deno.test("round: D1: the longest entries are sealed in batches of bounded bytes", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await using given = await testSealer(db, folder.path);
  const [acme, other] = [await tenant(db, "acme"), await tenant(db, "other")];
  const bytes = 120 * 1024;
  const writeLong = (tenantId: number, count: number) =>
    db.owner`
      insert into audit_log (tenant_id, actor, action, outcome, details)
      select ${tenantId}, 'operator', 'test.entry', 'succeeded', jsonb_build_object('text', repeat('x', ${bytes}::integer))
      from generate_series(1, ${count}::integer)`;
  await write(db, acme, 100);
  await writeLong(acme, 90);
  await writeLong(other, 10);
  await write(db, other, 300);
  const batches: number[] = [];
  for (let more = true; more;) {
    const before = given.sealer.state.sealedTotal;
    more = await given.sealer.round();
    batches.push(given.sealer.state.sealedTotal - before);
  }
  // 34 of the long ones are four megabytes; what is asked for next is twice as many as came.
  assert.deepEqual(batches, [134, 34, 68, 136, 128]);
  assert.equal((await chain(db, acme)).length, 190);
  await write(db, acme, 1_000);
  await given.sealer.round();
  assert.equal(given.sealer.state.sealedTotal, 1_500, "short ones are as many as ever");
  assert.equal((await verify(db, folder.path)).intact, true);
});

Deno.test("round: D1: of two sealers one works, and the other takes over when it is gone", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await using elsewhere = await checkpointFolder();
  const acme = await tenant(db, "acme");
  const first = await testSealer(db, folder.path);
  await assert.rejects(testSealer(db, folder.path), /another sealer writes to/);
  await using second = await testSealer(db, elsewhere.path);
  await write(db, acme, 3);
  await first.seal();
  await second.seal();
  assert.deepEqual([first.sealer.state.leading, second.sealer.state.leading], [true, false]);
  await write(db, acme);
  await second.seal();
  assert.equal((await chain(db, acme)).length, 3);
  await first[Symbol.asyncDispose]();
  await second.seal();
  // It seals, but signs nothing that it has no checkpoints of.
  assert.equal((await chain(db, acme)).length, 4);
  assert.match(second.sealer.state.distrust ?? "", /copy of checkpoint 1, and the newest .* is 0/);
  assert.equal((await verify(db, folder.path)).tenants[0]?.fault_count, 0);
});

Deno.test("round: D1: a session that was cut off seals nothing twice", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await using given = await testSealer(db, folder.path);
  const acme = await tenant(db, "acme");
  await write(db, acme, 2);
  await given.seal();
  await db.superuser`
    select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where datname = ${db.name} and application_name = 'test-sealer'`;
  await write(db, acme, 2);
  // Rounds meet the loss as errors until the driver has another connection.
  await until("all is sealed", async () => {
    await given.seal();
    return (await chain(db, acme)).length === 4;
  });
  await given.seal();
  assert.equal((await chain(db, acme)).length, 4);
  const report = await verify(db, folder.path);
  assert.deepEqual([report.intact, given.sealer.state.distrust], [true, null]);
});

Deno.test("round: D1: who lost its connection, and with it the lock, leaves the work to who took over", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await using elsewhere = await checkpointFolder();
  await using first = await testSealer(db, folder.path);
  await using second = await testSealer(db, elsewhere.path);
  const acme = await tenant(db, "acme");
  await write(db, acme);
  await first.seal();
  const [session] = await first.sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
  await db.superuser`select pg_terminate_backend(${session.pid}, 10000)`;
  await until("the other leads", async () => {
    await second.seal();
    return second.sealer.state.leading;
  });
  await write(db, acme);
  // Its driver opens another connection without a word.
  await until("it has seen that it leads no more", async () => {
    await first.seal();
    return !first.sealer.state.leading;
  });
  // What waits is not its lag, however long ago it led.
  first.clock.advance(60_000);
  await first.seal();
  assert.equal(lagSeconds(first.sealer.state, first.clock.now()), 0);
  assert.equal((await chain(db, acme)).length, 1);
  await second.seal();
  assert.equal((await chain(db, acme)).length, 2);
});

Deno.test("round: D1: the session with the lock is one that the database gives up seconds after its host is gone", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await using given = await testSealer(db, folder.path);
  await given.seal();
  // Their values are read of the connection, and that of a Unix socket has none.
  const set = await given.sql<{ name: string }[]>`
    select name from pg_settings where name like 'tcp_%' and source = 'session' order by name`;
  assert.deepEqual(set.map(({ name }) => name), [
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
  ]);
});

Deno.test("lagSeconds: D1: a sealer whose rounds have failed since it was started lags since then", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await db.superuser.unsafe(`revoke connect on database ${db.name} from public, massacorp_sealer`);
  await using given = await testSealer(db, folder.path);
  await assert.rejects(given.seal());
  given.clock.advance(60_000);
  await assert.rejects(given.seal());
  assert.equal(lagSeconds(given.sealer.state, given.clock.now()), 60);
});

Deno.test("round: D1: after a crash between the database and the disk the next sealer signs what was sealed", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const acme = await tenant(db, "acme");
  {
    await using given = await testSealer(db, folder.path);
    await write(db, acme);
    await given.seal();
    await write(db, acme);
    // The disk refuses the line.
    const [file = ""] = await files(folder.path);
    await Deno.rename(file, `${file}.kept`);
    await Deno.mkdir(file);
    await assert.rejects(given.sealer.round(), {
      message: new RegExp(`^a checkpoint cannot be written to ${folder.path}: `),
    });
    assert.equal((await chain(db, acme)).length, 2);
    await Deno.remove(file);
    await Deno.rename(`${file}.kept`, file);
    // And half of a line was on its way when the power went.
    await Deno.writeTextFile(file, '{"at":"2026', { append: true });
  }
  await using next = await testSealer(db, folder.path);
  await next.seal();
  assert.equal(next.sealer.state.checkpoint, 2);
  const report = await verify(db, folder.path);
  assert.deepEqual([report.intact, report.checkpoints.last, report.tenants[0]?.end?.seq], [
    true,
    2,
    2,
  ]);
});

Deno.test("round: a database restored into a cluster that has counted less is sealed on, nothing twice", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const acme = await tenant(db, "acme");
  {
    await using given = await testSealer(db, folder.path);
    await write(db, acme, 20);
    await given.seal();
  }
  // As a dump would have it: the transactions of the old cluster are far ahead of those of this one.
  await write(db, acme, 5);
  await db.owner`update audit_log set xact = (xact::text::bigint + 1000000)::text::xid8`;
  await db.owner`update audit_sealer set snapshot = '1000400:1000400:'`;
  await using next = await testSealer(db, folder.path, { batchSize: 4 });
  await next.seal();
  assert.equal((await chain(db, acme)).length, 25);
  await write(db, acme, 2);
  await next.seal();
  await next.seal();
  assert.equal((await chain(db, acme)).length, 27);
  assert.equal((await verify(db, folder.path)).intact, true);
});

Deno.test("round: a day begins a file that names every chain, and is read without those before it", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const acme = await tenant(db, "acme");
  const other = await tenant(db, "other");
  {
    await using given = await testSealer(db, folder.path);
    await write(db, acme);
    await write(db, other);
    await given.seal();
    given.clock.advance(86400_000);
    await write(db, acme);
    await given.seal();
    given.clock.advance(-86400_000);
    await write(db, acme);
    await given.seal();
  }
  const [first = "", second = ""] = await files(folder.path);
  assert.equal((await files(folder.path)).length, 2);
  assert.equal((await verify(db, folder.path)).intact, true);
  await Deno.rename(first, `${folder.path}/archived`);
  const report = await verify(db, folder.path);
  assert.deepEqual([report.intact, report.checkpoints.first, report.checkpoints.last], [
    true,
    2,
    3,
  ]);
  assert.equal(report.tenants.length, 2);
  const lines = (await Deno.readTextFile(second)).trim().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line).size), [2, 1]);
});

async function files(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".jsonl")) names.push(`${folder}/${name}`);
  }
  return names.sort();
}

Deno.test("count: says how many entries wait for a seal, sealed or not by this process, and hangs with nothing", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await using given = await testSealer(db, folder.path, { batchSize: 4 });
  const { sealer } = given;
  const counted = async () => {
    await sealer.count(10_000);
    return sealer.state.unsealed;
  };
  const acme = await tenant(db, "acme");
  await write(db, acme, 10);
  assert.equal(await counted(), 10, "before the first round");
  await sealer.round();
  assert.equal(await counted(), 6, "in the middle of a look that takes several");
  await given.seal();
  assert.equal(await counted(), 0);
  await write(db, acme, 3);
  assert.equal(await counted(), 3);
  // The connection does something else: the number before stands, at once.
  const held = given.sql`select pg_sleep(60)`.execute();
  held.catch(() => {});
  await until("it sleeps", async () => {
    const [row] = await db.superuser`
      select from pg_stat_activity where datname = ${db.name} and wait_event = 'PgSleep'`;
    return row !== undefined;
  });
  await sealer.count(50);
  assert.equal(sealer.state.unsealed, 3);
  held.cancel();
});
