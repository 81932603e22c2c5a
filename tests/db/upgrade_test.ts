import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { migrate, type Migration, readMigrations } from "../../db/migrate.ts";
import { contractions } from "../../db/migration_rules.ts";
import { loadRows, migrationsOf, readReleases, readRows, tablesOf } from "../../db/release.ts";
import { renderSchema } from "../../db/schema.ts";
import { parseVersion, whyUnfit } from "../../db/schema_version.ts";
import { emptyDatabase } from "../support/empty_database.ts";
import { seedTenant } from "../support/seed.ts";

const releases = await readReleases();
const all = await readMigrations();

for (const release of releases) {
  Deno.test(`migrate: from ${release.version}, with data in every table, nothing is lost, the schema is that of a fresh database, and tenants are kept apart`, async () => {
    await using db = await emptyDatabase();
    const owner = db.open("massacorp_owner");
    const superuser = db.open("postgres");
    // What sorts before its newest was made while it was: nothing can be put there once it is out.
    const newest = migrationsOf(release, all).at(-1)?.id ?? "";
    await migrate(owner, all.filter(({ id }) => id <= newest));
    await loadRows(superuser, release);
    const before: Record<string, Record<string, unknown>[]> = {};
    for (const table of Object.keys(release.rows)) {
      before[table] = await readRows(owner, table);
      ok(before[table].length > 0, `${table} has no row: run deno task db:release`);
      equal(before[table].length, release.rows[table]?.length, table);
    }

    await migrate(owner);

    const still = new Set(await tablesOf(owner));
    for (const [table, rows] of Object.entries(before)) {
      ok(still.has(table), `${table} is there`);
      deepEqual(await readRows(owner, table, Object.keys(rows[0] ?? {})), rows, table);
    }
    equal(
      await renderSchema(owner),
      await Deno.readTextFile(new URL("../../db/schema.sql", import.meta.url)),
    );
    const api = db.open("massacorp_api");
    const [alpha, beta] = await owner<{ id: number }[]>`select id from tenants order by id`;
    await api.begin(async (sql) => {
      deepEqual(await sql`select id from users`.values(), [], "no tenant, no row");
      await sql`select set_config('app.tenant_id', ${String(beta?.id)}, true)`;
      const seen = await sql<{ tenant_id: number }[]>`select distinct tenant_id from users`;
      deepEqual(seen.map((row) => row.tenant_id), [beta?.id]);
      ok(alpha && alpha.id !== beta?.id);
    });
    // And it is written to as before.
    await seedTenant(owner, "gamma");
  });
}

Deno.test("releases: the migrations of each are what they were, and an edit is seen", () => {
  ok(releases.length > 0);
  for (const release of releases) migrationsOf(release, all);
  const [first] = releases;
  const edited = all.map((each, i) => i === 0 ? { ...each, checksum: "0".repeat(64) } : each);
  let said = "";
  try {
    if (first) migrationsOf(first, edited);
  } catch (error) {
    said = String(error);
  }
  ok(/was released with .* and is not what it was/.test(said), said);
});

Deno.test("migrations: none since the last release takes from the code before it in one step, without a reason", () => {
  const released = new Set(releases.at(-1)?.migrations.map(({ id }) => id));
  for (const migration of all) {
    const isLater = migration.id > (releases.at(-1)?.migrations.at(-1)?.id ?? "");
    if (isLater && !released.has(migration.id)) {
      deepEqual(contractions(migration), [], migration.id);
    }
  }
});

Deno.test("contractions: finds what the code before would not survive, and not what it would", () => {
  for (
    const [sql, found] of [
      ["alter table users drop column name;", 1],
      ["alter table users\n  add column a text,\n  drop column name", 1],
      ["drop table users;", 1],
      ["alter table users rename to people; alter table users rename column a to b", 2],
      ["alter table users alter column a set not null", 1],
      ["alter table users alter column a type bigint", 1],
      ["alter table users add column a integer not null", 1],
      ["alter table users add column a integer not null default 0, add column b text not null", 1],
      ["revoke update on users from massacorp_api", 1],
      ["create index users_by_name on users (name);", 1],
      ["create unique index a on only audit_log (at)", 1],
      ["create index if not exists users_by_name on users (name);", 0],
      ["-- contract: 0.2.0 reads it no more\nalter table users drop column name;", 0],
      ["alter table users add column a integer not null default 0;", 0],
      ["alter table users add column a text check (a <> 'drop column')", 0],
      ["-- drop column\nselect 'drop table users; rename'", 0],
      ["create function f() returns void language plpgsql as $$ begin drop table x; end $$", 0],
      ["create table big (a integer not null); create index on_it on big (a);", 0],
      ["create table t (a integer); alter table t alter column a set not null", 0],
      ["revoke all on function f() from public", 0],
      ["create index roles_by_name on roles (name)", 0],
    ] as const
  ) {
    equal(contractions({ sql }).length, found, sql);
  }
  ok(contractions(all.find(({ id }) => id.startsWith("0010")) ?? { sql: "" }));
});

Deno.test("migrate: says what code its schema is for, to every role; older code than that is refused, and newer code than the schema", async () => {
  await using db = await emptyDatabase();
  const owner = db.open("massacorp_owner");
  const api = db.open("massacorp_api");
  const version = async () => {
    const [row] = await api<[{ said: string | null }]>`
      select obj_description('public'::regnamespace, 'pg_namespace') as said`;
    return parseVersion(row.said);
  };
  const migration = (id: string, sql: string): Migration => ({ id, sql, checksum: id });
  const one = migration("0001_one", "create table one (id integer, old integer)");
  const two = migration("0002_two", "alter table one add column new integer");
  const three = migration(
    "0003_three",
    "-- contract: `new` is read since 0002\nalter table one drop column old",
  );
  equal(await version(), undefined, "nobody has migrated it");
  await migrate(owner, [one, two]);
  deepEqual(await version(), { newest: "0002_two", needs: null });
  const expanded = await version();
  ok(expanded);
  equal(whyUnfit(expanded, "0001_one"), undefined, "the code before goes on");
  equal(whyUnfit(expanded, "0002_two"), undefined);
  ok(/needs 0003_three: migrate it first/.test(whyUnfit(expanded, "0003_three") ?? ""));
  await migrate(owner, [one, two, three]);
  const contracted = await version();
  deepEqual(contracted, { newest: "0003_three", needs: "0003_three" });
  ok(contracted && /bring a newer version/.test(whyUnfit(contracted, "0002_two") ?? ""));
  equal(contracted && whyUnfit(contracted, "0003_three"), undefined);
  await rejects(migrate(owner, [one, two]), /older than the database/);
});
