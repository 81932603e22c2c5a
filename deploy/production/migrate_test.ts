import { deepEqual, equal, match } from "node:assert/strict";
import { readMigrationIds } from "../../db/migrate.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { outcomeOf } from "../demo/run.ts";

Deno.test("migrate --or-newer: a database that newer code has added to is left alone; one it took something from, or one that was edited, is refused", async () => {
  await using db = await testDatabase();
  const program = async (...args: string[]) => {
    const { code, stdout, stderr } = await outcomeOf(
      [Deno.execPath(), "run", "-A", "--no-check", "deploy/production/migrate.ts", ...args],
      { timeoutMs: 60_000, env: { DATABASE_OWNER_URL: db.url("massacorp_owner").reveal() } },
    );
    return [code, stdout + stderr] as const;
  };
  const state = () =>
    db.owner`select id, checksum, obj_description('public'::regnamespace, 'pg_namespace') from schema_migrations`;
  const says = (text: string) => db.owner.unsafe(`comment on schema public is '${text}'`);
  await db
    .owner`insert into schema_migrations (id, checksum) values ('9998_next', 'of another version')`;
  const own = (await readMigrationIds()).at(-1);

  await says(`MassaCorp''s, up to 9998_next; for code that has ${own}`);
  const before = await state();
  const [code, said] = await program("--or-newer");
  equal(code, 0, said);
  match(said, /nothing to apply: .*9998_next.*can work with it/);
  deepEqual(await state(), before);

  // Asked for by nobody, as in massacorp-migrate.service.
  const [plain, refused] = await program();
  equal(plain, 78, refused);
  match(refused, /older than the database/);

  await says("MassaCorp''s, up to 9998_next; for code that has 9998_next");
  const [contracted, why] = await program("--or-newer");
  equal(contracted, 78, why);
  match(why, /is for code that has 9998_next/);

  // Of another line than this version's: nobody knows what it is.
  await db.owner`update schema_migrations set id = '0000_other' where id = '9998_next'`;
  const [aside, stranger] = await program("--or-newer");
  equal(aside, 78, stranger);
  match(stranger, /0000_other, which this version does not know/);
  await db.owner`update schema_migrations set id = '9998_next' where id = '0000_other'`;

  await says("MassaCorp''s, up to 9998_next");
  await db.owner`update schema_migrations set checksum = 'edited' where id = ${own ?? ""}`;
  const [edited, fault] = await program("--or-newer");
  equal(edited, 78, fault);
  match(fault, /was edited after it was applied/);
});
