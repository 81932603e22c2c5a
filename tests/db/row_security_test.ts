import assert from "node:assert/strict";
import { type SeededTenant, seedInterface, seedTenant } from "../support/seed.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { acrossTenants, type TenantTable, tenantTables } from "./catalog.ts";
import {
  attempt,
  attemptAll,
  type Connection,
  insufficientPrivilege,
  type Persona,
} from "./persona.ts";

interface World extends AsyncDisposable {
  db: TestDatabase;
  tables: TenantTable[];
  a: SeededTenant;
  b: SeededTenant;
}

async function world(): Promise<World> {
  const db = await testDatabase();
  await seedInterface(db.owner);
  const a = await seedTenant(db.owner, "alpha");
  const b = await seedTenant(db.owner, "beta");
  return {
    db,
    a,
    b,
    tables: await tenantTables(db.owner),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}

/** A digest of everything that belongs to a tenant; what a persona did in this transaction included. */
function rowsOf(tables: TenantTable[], tenant: SeededTenant) {
  const parts = tables.map((table) =>
    `select '${table.name} ' || x::text as row from ${table.name} x where ${table.owner} = ${tenant.id}`
  );
  return async (sql: Connection): Promise<string> => {
    const [digest] = await sql.unsafe(
      `select count(*) || ':' || sum(hashtextextended(row, 0)) as text from (${
        parts.join(" union all ")
      }) all_`,
    );
    return digest?.text;
  };
}

/** The statements that a role could try on a table, privileges ignored. */
function writes(table: TenantTable, where: string): string[] {
  const { name, columns } = table;
  return [
    `delete from ${name} ${where}`,
    ...columns.map((column) => `update ${name} set ${column} = ${column} ${where}`),
    ...columns.map((column) => `update ${name} set ${column} = null ${where}`),
    `select * from ${name} ${where} for update`,
    `truncate ${name}`,
  ];
}

const roles = ["massacorp_api", "massacorp_platform"] as const;
const personas = (): Persona[] => roles.map((role) => ({ role }));
const personasIn = (tenant: number) => roles.map((role) => ({ role, tenant }));

/** The platform's role sees and changes tenants; that is what it is for. */
const isPlatforms = (persona: Persona, table: TenantTable) =>
  persona.role === "massacorp_platform" && table.name === "tenants";

Deno.test("N1: the probes reach every tenant table", async () => {
  await using given = await world();
  for (const table of given.tables) {
    for (const tenant of [given.a, given.b]) {
      const [row] = await given.db.owner.unsafe(
        `select count(*)::integer as n from ${table.name} where ${table.owner} = ${tenant.id}`,
      );
      assert.ok(row?.n > 0, `tests/support/seed.ts puts no row into ${table.name}`);
    }
  }
});

Deno.test("N1: inside tenant A, no row of tenant B shows, by any condition", async (t) => {
  await using given = await world();
  const { db, a, b, tables } = given;
  for (const persona of personasIn(a.id)) {
    for (const table of tables.filter((table) => !isPlatforms(persona, table))) {
      await t.step(`${persona.role} ${table.name}`, async () => {
        for (const where of ["", `where ${table.owner} = ${b.id}`]) {
          const seen = await attempt(
            db,
            persona,
            `select ${table.owner} as owner from ${table.name} ${where}`,
            () => Promise.resolve(),
          );
          if (seen.refused) assert.equal(seen.refused.code, insufficientPrivilege);
          assert.deepEqual(seen.rows.filter((row) => row.owner !== a.id), [], where);
        }
      });
    }
  }
});

Deno.test("N1: inside tenant A, no statement changes or locks a row of tenant B", async (t) => {
  await using given = await world();
  const { db, a, b, tables } = given;
  const theirs = rowsOf(tables, b);
  for (const persona of personasIn(a.id)) {
    for (const table of tables.filter((table) => !isPlatforms(persona, table))) {
      await t.step(`${persona.role} ${table.name}`, async () => {
        const before = await attempt(db, persona, "select 1", theirs);
        for (const statement of writes(table, "")) {
          const done = await attempt(db, persona, statement, theirs);
          assert.equal(done.after, before.after, statement);
        }
        const aimed = writes(table, `where ${table.owner} = ${b.id}`);
        const { outcomes, after } = await attemptAll(db, persona, aimed, theirs);
        assert.equal(after, before.after);
        for (const [n, { count }] of outcomes.entries()) assert.equal(count, 0, aimed[n]);
        const moved = await attempt(
          db,
          persona,
          `update ${table.name} set ${table.owner} = ${b.id}`,
          theirs,
        );
        // No privilege on the column, or generated always: a row cannot be given away either.
        assert.match(moved.refused?.code ?? "", /^(42501|428C9)$/);
      });
    }
  }
});

/** An insert of one row, given as JSON, with the columns that the role may write; undefined where there are none. */
async function insertOf(
  db: TestDatabase,
  role: string,
  table: TenantTable,
  row: Record<string, unknown>,
): Promise<string | undefined> {
  const columns = await db.superuser<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = ${table.name}::regclass and attname = any(${table.columns})
      and has_column_privilege(${role}, attrelid, attnum, 'insert')`;
  if (columns.length === 0) return undefined;
  const list = columns.map((column) => column.name).join(", ");
  // The one rest that the API may begin is that of an address which a mover left.
  const rests = table.name === "wg_resting_addresses" ? { until: "infinity" } : {};
  const json = JSON.stringify({ ...row, ...rests }).replaceAll("'", "''");
  return `insert into ${table.name} (${list}) overriding system value
    select ${list} from json_populate_record(null::${table.name}, '${json}')`;
}

async function rowOf(db: TestDatabase, table: TenantTable, tenant: SeededTenant) {
  const [row] = await db.superuser.unsafe(
    // The newest: roles that came with the tenant can be written by nobody.
    `select to_json(x) as row from ${table.name} x where ${table.owner} = ${tenant.id} order by ctid desc limit 1`,
  );
  if (!row) throw new Error(`tests/support/seed.ts puts no row into ${table.name}`);
  return row.row;
}

Deno.test("N1: inside tenant A, a row of tenant B cannot be inserted, and is refused before it is compared", async (t) => {
  await using given = await world();
  const { db, a, b, tables } = given;
  for (const persona of personasIn(a.id)) {
    let tried = 0;
    for (const table of tables.filter((table) => !isPlatforms(persona, table))) {
      const insert = await insertOf(db, persona.role, table, await rowOf(db, table, b));
      if (!insert) continue;
      tried++;
      await t.step(`${persona.role} ${table.name}`, async () => {
        // B's very row: were uniqueness looked at first, the answer would tell that it exists.
        const done = await attempt(db, persona, insert, rowsOf(tables, b));
        assert.equal(done.refused?.code, insufficientPrivilege);
        const ignored = await attempt(
          db,
          persona,
          `${insert} on conflict do nothing`,
          rowsOf(tables, b),
        );
        assert.equal(ignored.refused?.code, insufficientPrivilege);
      });
    }
    assert.ok(tried >= 2, `${persona.role} may insert somewhere`);
  }
});

Deno.test("N2: no id of tenant B can be pointed to, and pointing at one answers like an unknown id", async (t) => {
  await using given = await world();
  const { db, a, b, tables } = given;
  const persona: Persona = { role: "massacorp_api", tenant: a.id };
  let tried = 0;
  for (const table of tables) {
    for (const key of table.foreignKeys) {
      const own = key.columns.filter((column) => column !== "tenant_id");
      if (own.length === 0 || key.name in acrossTenants) continue;
      const mine = await rowOf(db, table, a);
      const theirs = await rowOf(db, table, b);
      const unknown = Object.fromEntries(
        own.map((column) => [
          column,
          typeof mine[column] === "number" ? 2_000_000_000 : crypto.randomUUID(),
        ]),
      );
      const pointing = { ...mine, ...fresh(table, mine) };
      const statements = await Promise.all([
        insertOf(db, persona.role, table, {
          ...pointing,
          ...Object.fromEntries(own.map((column) => [column, theirs[column]])),
        }),
        insertOf(db, persona.role, table, { ...pointing, ...unknown }),
      ]);
      if (!statements[0] || !statements[1]) continue;
      tried++;
      await t.step(key.name, async () => {
        const atTheirs = await attempt(db, persona, statements[0] ?? "", () => Promise.resolve());
        const atNothing = await attempt(db, persona, statements[1] ?? "", () => Promise.resolve());
        assert.deepEqual(atTheirs.refused, { code: "23503", constraint: key.name });
        assert.deepEqual(atNothing.refused, atTheirs.refused);
      });
    }
  }
  assert.ok(tried >= 2, "there are foreign keys between rows of a tenant");
});

/** New values for what must be unique, so that only the foreign key is in question. */
function fresh(table: TenantTable, row: Record<string, unknown>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  if (table.columns.includes("id") && typeof row.id === "string") values.id = crypto.randomUUID();
  if (typeof row.id === "number") values.id = 1_000_000_000;
  if (table.columns.includes("position")) values.position = 99;
  if (table.columns.includes("prefix")) values.prefix = "freshfreshfr";
  if (table.columns.includes("public_key")) values.public_key = `${"A".repeat(43)}=`;
  if (table.columns.includes("token_digest")) values.token_digest = `\\x${"00".repeat(32)}`;
  if (table.name === "invitations") values.email = "fresh@fresh.example";
  if (["wg_peers", "wg_resting_addresses"].includes(table.name)) values.address = "10.10.0.99";
  return values;
}

Deno.test("N2: an insert that repeats tenant B's unique values succeeds, but for the listed constraints", async (t) => {
  await using given = await world();
  const { db, a, b, tables } = given;
  const persona: Persona = { role: "massacorp_api", tenant: a.id };
  let tried = 0;
  for (const table of tables.filter((table) => table.name !== "tenants")) {
    const mine = await rowOf(db, table, a);
    const row: Record<string, unknown> = { ...await rowOf(db, table, b), tenant_id: a.id };
    for (const key of table.foreignKeys) {
      for (const column of key.columns) row[column] = mine[column];
    }
    const insert = await insertOf(db, persona.role, table, row);
    if (!insert) continue;
    tried++;
    await t.step(table.name, async () => {
      // A's own row makes way, so that only B's can be in it; nothing follows it, as a foreign key would have it.
      const arrange = `set local session_replication_role = replica;
        delete from ${table.name} where tenant_id = ${a.id};
        set local session_replication_role = origin`;
      const done = await attempt(db, persona, insert, () => Promise.resolve(), { arrange });
      if (done.refused) {
        assert.equal(done.refused.code, "23505", JSON.stringify(done.refused));
        assert.ok(done.refused.constraint in acrossTenants, done.refused.constraint);
      }
    });
  }
  assert.ok(tried >= 5);
});

Deno.test("N1: without a tenant there are no rows, or an error, and nothing can be written", async (t) => {
  await using given = await world();
  const { db, a, tables } = given;
  const all = rowsOf(tables, a);
  for (const persona of personas()) {
    for (const table of tables.filter((table) => !isPlatforms(persona, table))) {
      await t.step(`${persona.role} ${table.name}`, async () => {
        const before = await attempt(db, persona, "select 1", all);
        const seen = await attempt(db, persona, `select 1 from ${table.name}`, all);
        assert.equal(seen.count, 0);
        for (const statement of writes(table, "")) {
          const done = await attempt(db, persona, statement, all);
          assert.equal(done.count, 0, statement);
          assert.equal(done.after, before.after, statement);
        }
        const insert = await insertOf(db, persona.role, table, await rowOf(db, table, a));
        if (!insert) return;
        const done = await attempt(db, persona, insert, all);
        assert.equal(done.refused?.code, insufficientPrivilege);
      });
    }
  }
});

Deno.test("N1: a tenant setting that is no number is an error, not everybody's rows", async () => {
  await using given = await world();
  for (const setting of ["'x'", "'1 or true'", "'1,2'", "'99999999999'"]) {
    const done = await attempt(
      given.db,
      { role: "massacorp_api" },
      `do $$ begin perform set_config('app.tenant_id', ${setting}, true); perform from users; end $$`,
      () => Promise.resolve(),
    );
    assert.match(done.refused?.code ?? "", /^22/, setting);
  }
});

Deno.test("N1: the platform's role sees the tenants, and of other tables one tenant at a time", async () => {
  await using given = await world();
  const { db, a, b } = given;
  const look = () => Promise.resolve();
  const tenants = await attempt(db, { role: "massacorp_platform" }, "select id from tenants", look);
  assert.deepEqual(tenants.rows.map((row) => row.id).sort(), [a.id, b.id].sort());
  const users = await attempt(
    db,
    { role: "massacorp_platform", tenant: a.id },
    "select tenant_id from users",
    look,
  );
  assert.deepEqual(users.rows.map((row) => row.tenant_id), [a.id]);
});
