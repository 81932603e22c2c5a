import assert from "node:assert/strict";
import { connect } from "./connection.ts";
import { until } from "../tests/support/until.ts";
import { startTestCluster, testPassword } from "../tests/support/cluster.ts";
import { testDatabase } from "../tests/support/database.ts";
import { emptyDatabase } from "../tests/support/empty_database.ts";
import { migrate, type Migration, MigrationError, readMigrations } from "./migrate.ts";
import { databaseUrl } from "./roles.ts";
import { renderSchema } from "./schema.ts";

const migration = (id: string, sql: string): Migration => ({ id, sql, checksum: `${id} ${sql}` });
const one = migration("0001_one", "create table one (id integer)");
const two = migration("0002_two", "create table two (id integer)");

async function tableNames(sql: Awaited<ReturnType<typeof emptyDatabase>>): Promise<string[]> {
  const rows = await sql.open("postgres")<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname`;
  return rows.map((row) => row.name);
}

Deno.test("migrate: the second time there is nothing to apply and nothing changes", async () => {
  await using db = await emptyDatabase();
  const owner = db.open("massacorp_owner");
  const ids = (await readMigrations()).map((file) => file.id);
  assert.deepEqual(await migrate(owner), ids);
  const schema = await renderSchema(owner);
  assert.deepEqual(await migrate(owner), []);
  assert.equal(await renderSchema(owner), schema);
});

Deno.test("migrate: two processes at once take turns, and each migration runs once", async () => {
  await using db = await emptyDatabase();
  const code = `
    import { connect } from "./db/connection.ts";
    import { migrate } from "./db/migrate.ts";
    import { Secret } from "./lib/secret.ts";
    const sql = connect(new Secret(Deno.env.get("URL") ?? ""), { max: 1, applicationName: "two" });
    await sql\`select pg_sleep(0)\`;
    await Deno.stdout.write(new TextEncoder().encode("r"));
    await Deno.stdin.read(new Uint8Array(1));
    const applied = await migrate(sql);
    await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(applied)));
    await sql.end({ timeout: 5 });`;
  const url = new URL(db.url("massacorp_owner").reveal()).href;
  const processes = Array.from({ length: 2 }, () =>
    new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", code],
      env: { URL: url },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn());
  const outputs = processes.map((process) => process.stdout.getReader());
  // Both are connected and wait for the word, so that they meet.
  for (const output of outputs) {
    assert.equal(new TextDecoder().decode((await output.read()).value), "r");
  }
  for (const process of processes) await process.stdin.getWriter().write(new Uint8Array([10]));
  const applied: string[][] = [];
  for (const output of outputs) {
    let text = "";
    for (let part = await output.read(); !part.done; part = await output.read()) {
      text += new TextDecoder().decode(part.value);
    }
    applied.push(JSON.parse(text));
  }
  for (const process of processes) assert.ok((await process.status).success);
  const ids = (await readMigrations()).map((file) => file.id);
  assert.deepEqual(applied.sort((a, b) => a.length - b.length), [[], ids]);
});

Deno.test("migrate: a file that was edited after it ran is refused, and nothing is applied", async () => {
  await using db = await emptyDatabase();
  const owner = db.open("massacorp_owner");
  await migrate(owner, [one]);
  const edited = { ...one, checksum: "another" };
  await assert.rejects(migrate(owner, [edited, two]), (error) => {
    assert.ok(error instanceof MigrationError);
    assert.match(error.message, /0001_one was edited/);
    return true;
  });
  assert.deepEqual(await tableNames(db), ["one", "schema_migrations"]);
  assert.deepEqual(await migrate(owner, [one, two]), ["0002_two"]);
});

Deno.test("migrate: a database newer than the code is refused", async () => {
  await using db = await emptyDatabase();
  const owner = db.open("massacorp_owner");
  await migrate(owner, [one, two]);
  await assert.rejects(migrate(owner, [one]), /does not know: it is older/);
});

Deno.test("migrate: a new file that sorts before an applied one is refused", async () => {
  await using db = await emptyDatabase();
  const owner = db.open("massacorp_owner");
  await migrate(owner, [two]);
  await assert.rejects(migrate(owner, [one, two]), /sorts before 0002_two/);
  assert.deepEqual(await tableNames(db), ["schema_migrations", "two"]);
});

Deno.test("migrate: a failing migration rolls back whole, keeps the ones before it, and can be tried again", async () => {
  await using db = await emptyDatabase();
  const owner = db.open("massacorp_owner");
  const broken = migration(
    "0002_broken",
    "create table half (id integer); set role massacorp_lookup; select 1 / 0",
  );
  await assert.rejects(migrate(owner, [one, broken]), /division by zero/);
  // The same when the migration went well and only its record did not.
  const unrecorded = migration(
    "0002_unrecorded",
    "create table half (id integer); insert into schema_migrations values ('0002_unrecorded', '')",
  );
  await assert.rejects(migrate(owner, [one, unrecorded]), { code: "23505" });
  assert.deepEqual(await tableNames(db), ["one", "schema_migrations"]);
  const [row] = await owner<{ role: string; locks: number }[]>`
    select current_user::text as role,
      (select count(*)::integer from pg_locks
        where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())) as locks`;
  assert.deepEqual({ ...row }, { role: "massacorp_owner", locks: 0 });
  assert.deepEqual(await migrate(owner, [one, two]), ["0002_two"]);
});

Deno.test("readMigrations: files are ordered by name, and the checksum follows the text", async () => {
  const folder = await Deno.makeTempDir();
  const from = new URL(`file://${folder}/`);
  await Deno.writeTextFile(new URL("0002_b.sql", from), "select 2");
  await Deno.writeTextFile(new URL("0001_a.sql", from), "select 1");
  await Deno.writeTextFile(new URL("notes.txt", from), "");
  const before = await readMigrations(from);
  await Deno.writeTextFile(new URL("0001_a.sql", from), "select 1 ");
  const after = await readMigrations(from);
  await Deno.remove(folder, { recursive: true });
  assert.deepEqual(before.map((file) => file.id), ["0001_a", "0002_b"]);
  assert.notEqual(before[0]?.checksum, after[0]?.checksum);
  assert.equal(before[1]?.checksum, after[1]?.checksum);
});

Deno.test("migrate: whoever asks for a table is answered while a migration waits for it, which is applied once it is free", async () => {
  await using db = await testDatabase();
  const held = connect(db.url("massacorp_owner"), { max: 1, applicationName: "test-holder" });
  const migrator = connect(db.url("massacorp_owner"), { max: 1, applicationName: "test-migrate" });
  const api = connect(db.url("massacorp_api"), { max: 1, applicationName: "test-reader" });
  const all = [...await readMigrations(), migration("9999", "alter table users add column x int")];
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const export_ = held.begin(async (sql) => {
    await sql`select from users limit 1`;
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  await assert.rejects(migrate(migrator, all, { attempts: 1 }), /9999 did not get a lock/);
  const migrated = migrate(migrator, all);
  await until("the migration waits for the table", async () => {
    const [waits] = await db.owner`
      select from pg_stat_activity where application_name = 'test-migrate' and wait_event_type = 'Lock'`;
    return waits !== undefined;
  });
  await api`set lock_timeout = '2s'`;
  await api`select from users`;
  release.resolve();
  await export_;
  assert.deepEqual(await migrated, ["9999"]);
  await Promise.all([held.end(), migrator.end(), api.end()]);
});

Deno.test("migrate: a vacuum that the server began by itself is broken off for a migration, not waited for", async () => {
  await using undo = new AsyncDisposableStack();
  const cluster = await startTestCluster({ inMemory: true });
  undo.defer(() => cluster.stop());
  const { socketFolder } = cluster;
  const sql = connect(
    databaseUrl({ role: "postgres", password: testPassword, socketFolder, database: "postgres" }),
    { max: 1, applicationName: "test" },
  );
  undo.defer(() => sql.end());
  // One that takes minutes.
  await sql`
    create table busy (id integer) with (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
      autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`;
  await sql`insert into busy select n from generate_series(1, 200000) n`;
  await sql`update busy set id = id + 1`;
  await sql`alter system set autovacuum_naptime = '1s'`;
  await sql`select pg_reload_conf()`;
  await until("a vacuum is under way", async () => {
    const rows = await sql`select from pg_stat_progress_vacuum where relid = 'busy'::regclass`;
    return rows.length > 0;
  });
  const added = migration("9999", "alter table busy add column x integer");
  await assert.rejects(migrate(sql, [added], { attempts: 1 }), /9999 did not get a lock/);
  assert.deepEqual(await migrate(sql, [added], { attempts: 22 }), ["9999"]);
});

Deno.test("roles.sql: repeating it puts every role back as it is meant", async () => {
  await using db = await testDatabase();
  const text = await Deno.readTextFile(new URL("./roles.sql", import.meta.url));
  const connection = await db.superuser.reserve();
  const roles = async () => [
    ...await connection`
      select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolbypassrls,
        (select setconfig from pg_db_role_setting where setrole = r.oid and setdatabase = 0) as settings
      from pg_roles r where rolname like 'massacorp_%' order by rolname`,
  ];
  const before = await roles();
  // Roles belong to the whole cluster: nothing of this is committed.
  await connection`begin`;
  await connection.unsafe("alter role massacorp_api bypassrls createrole");
  await connection.unsafe("alter role massacorp_lookup login superuser");
  await connection.unsafe(text);
  const after = await roles();
  await connection`rollback`;
  connection.release();
  assert.deepEqual(after, before);
  const may = Object.fromEntries(
    before.map((row) => [row.rolname, [row.rolcanlogin, row.rolbypassrls]]),
  );
  assert.deepEqual(may, {
    massacorp_api: [true, false],
    massacorp_lookup: [false, false],
    massacorp_owner: [true, true],
    massacorp_platform: [true, false],
    massacorp_sealer: [true, false],
    massacorp_wgd: [true, false],
  });
  assert.ok(before.every((row) => !row.rolsuper && !row.rolcreaterole && !row.rolcreatedb));
});
