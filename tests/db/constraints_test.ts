import { deepEqual, ok } from "node:assert/strict";
import { seedEverything } from "../support/seed.ts";
import { testDatabase } from "../support/database.ts";
import { foreignKeys, uniques } from "./constraints/keys.ts";
import { people } from "./constraints/people.ts";
import { type Probe, probing } from "./constraints/probe.ts";
import { raised } from "./constraints/raised.ts";
import { records } from "./constraints/records.ts";
import { tenants } from "./constraints/tenants.ts";
import { wireguard } from "./constraints/wireguard.ts";

const rules = { ...tenants, ...people, ...records, ...wireguard };

/** The seed's row that rules are tried on; the newest where nothing is said. */
const rowOf: Record<string, string> = {
  tenants: "not is_platform",
  roles: "system is null",
};
const newest = (table: string) =>
  `from ${table} where ${rowOf[table] ?? true} order by ctid desc limit 1`;

interface Attempt {
  statement: string;
  /** What stands where it is told of. */
  about: string;
  /** SQLSTATE and constraint, or nothing where it is taken. */
  wanted: string;
}

/** Fails with a line for each that came out otherwise; one that touches no row proves nothing. */
async function judge(probe: Probe, attempts: readonly Attempt[]): Promise<void> {
  const verdicts = await probe.judge(attempts.map(({ statement }) => statement));
  const faults = attempts.flatMap(({ about, wanted }, n) => {
    const { code, constraint, message, rows } = verdicts[n] ?? {};
    const told = code ? `${code} ${constraint}` : rows ? "" : "no row was touched";
    return told === wanted ? [] : [`${about.slice(0, 300)}: ${told}: ${message}`];
  });
  ok(faults.length === 0, faults.join("\n"));
}

async function world(): Promise<Probe> {
  const db = await testDatabase();
  await seedEverything(db.owner);
  const probe = await probing(db);
  return {
    ...probe,
    async [Symbol.asyncDispose]() {
      await probe[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

const sorted = (names: Iterable<string>) => [...names].sort();

Deno.test("constraints: each check refuses what is past its border, by its own name, and takes what is on it", async () => {
  await using probe = await world();
  const checks = await probe.sql<{ name: string; table: string }[]>`
    select k.conname as name, c.relname as table
    from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.connamespace = 'public'::regnamespace and k.contype = 'c' and not c.relispartition`;
  deepEqual(sorted(checks.map(({ name }) => name)), sorted(Object.keys(rules)), "each has a rule");
  await judge(
    probe,
    checks.flatMap(({ name, table }): Attempt[] => {
      const { arrange = "", refuses = [], takes = [] } = rules[name] ?? {};
      ok(refuses.length > 0 && takes.length > 0, name);
      return [...refuses, ...takes].map((set, n) => ({
        about: `${name}: ${set}`,
        wanted: n < refuses.length ? `23514 ${name}` : "",
        statement: `${arrange};
          update ${table} set ${set} where (tableoid, ctid) = (select tableoid, ctid ${
          newest(table)
        })`,
      }));
    }),
  );
});

Deno.test("constraints: each unique or exclusion constraint refuses a second row by its own name, and not one that differs in any column of it", async () => {
  await using probe = await world();
  await probe.sql`update wg_interfaces set network6 = 'fd12:3456:789a:1::/64'`;
  const indexes = await probe.sql<
    { name: string; table: string; excludes: boolean; columns: string[] }[]
  >`
    select i.indexrelid::regclass::text as name, c.relname as table, i.indisexclusion as excludes,
      (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
    from pg_index i join pg_class c on c.oid = i.indrelid
    where c.relnamespace = 'public'::regnamespace and not c.relispartition
      and (i.indisunique or i.indisexclusion) and not i.indisprimary`;
  deepEqual(sorted(indexes.map(({ name }) => name)), sorted(Object.keys(uniques)));
  await judge(
    probe,
    indexes.flatMap(({ name, table, excludes, columns }): Attempt[] => {
      const { refuses = [], takes = [] } = uniques[name] ?? {};
      return [...refuses, ...takes].map((change, n) => ({
        about: `${name}: ${JSON.stringify(change)}`,
        wanted: n < refuses.length ? `${excludes ? "23P01" : "23505"} ${name}` : "",
        statement: `alter table ${table} disable trigger all;
          insert into ${table} (${columns}) overriding system value select ${columns}
          from jsonb_populate_record((select ${table} ${newest(table)}), '${
          JSON.stringify(change)
        }')`,
      }));
    }),
  );
});

interface ForeignKey {
  name: string;
  table: string;
  target: string;
  columns: { name: string; type: string; generated: boolean; other: string }[];
  /** The triggers that are the key, on its own table and on the other one. */
  checks: string[];
  acts: string[];
}

/** Of each type of a key, one that nothing has. */
const nowhere: Record<string, string> = {
  integer: "2000000000",
  smallint: "32767",
  uuid: "gen_random_uuid()",
  text: "'seen.by_nobody'",
  inet: "'203.0.113.9'",
};

/** No trigger of a table but these, so that no other one speaks for them. */
const alone = (table: string, triggers: string[]) =>
  [`alter table ${table} disable trigger all`]
    .concat(triggers.map((name) => `alter table ${table} enable trigger "${name}"`)).join("; ");

Deno.test("constraints: each foreign key refuses what is not there, in each of its columns, and a deletion at its other end does what is written", async () => {
  await using probe = await world();
  await probe.sql`update tenants set wg_gateway = 1`;
  const keys = await probe.sql<ForeignKey[]>`
    select k.conname as name, k.conrelid::regclass::text as table, k.confrelid::regclass::text as target,
      (select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, null),
          'generated', a.attgenerated <> '', 'other', b.attname))
        from unnest(k.conkey, k.confkey) as pair (mine, theirs)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.mine
        join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.theirs) as columns,
      (select array_agg(t.tgname::text) from pg_trigger t where t.tgconstraint = k.oid
        and t.tgname like 'RI_ConstraintTrigger_c%') as checks,
      (select array_agg(t.tgname::text) from pg_trigger t where t.tgconstraint = k.oid
        and t.tgname like 'RI_ConstraintTrigger_a%') as acts
    from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.connamespace = 'public'::regnamespace and k.contype = 'f' and not c.relispartition`;
  deepEqual(sorted(keys.map(({ name }) => name)), sorted(Object.keys(foreignKeys)));
  await judge(probe, keys.flatMap(attemptsAt));
});

function attemptsAt({ name, table, target, columns, checks, acts }: ForeignKey): Attempt[] {
  const row = `(select ${columns.map((column) => column.name)} from ${table}
    where ${columns.map((column) => `${column.name} is not null`).join(" and ")}
    order by ctid desc limit 1)`;
  const is = (of: "name" | "other") => `(${columns.map((column) => column[of])}) = ${row}`;
  const pointing = columns.filter(({ generated }) => !generated).map((column): Attempt => ({
    about: `${name}: ${column.name}`,
    wanted: `23503 ${name}`,
    statement: `${alone(table, checks)};
      update ${table} set ${column.name} = ${nowhere[column.type] ?? "no such type"}
      where ${is("name")}`,
  }));
  const action = foreignKeys[name];
  const points = columns.filter((column) => column.name !== "tenant_id").at(-1)?.name ??
    "tenant_id";
  const counted = `select count(*) as rows, count(${points}) as pointing from ${table}`;
  const deletion = `do $$ begin
      create temp table before on commit drop as ${counted};
      delete from ${target} where ${is("other")};
      if (
        select (b.rows > a.rows) <> ${action === "cascade"}
          or (b.pointing - a.pointing > b.rows - a.rows) <> ${action === "set null"}
        from before b, (${counted}) a
      ) then raise 'it came otherwise than ${action}'; end if;
    end $$;
    select 1`;
  return [...pointing, {
    about: `${name}: on delete ${action}`,
    wanted: action === "restrict" ? `23503 ${name}` : "",
    statement: `${alone(table, [])}; ${alone(target, acts)}; ${deletion}`,
  }];
}

Deno.test("constraints: each rule that a trigger or a function raises is raised by what breaks it, and by nothing that does not", async () => {
  await using probe = await world();
  const [found] = await probe.sql<[{ names: string[] }]>`
    select array_agg(distinct name[1]) as names
    from pg_proc p, regexp_matches(p.prosrc, 'constraint = ''([a-z0-9_]+)''', 'g') name
    where p.pronamespace = 'public'::regnamespace`;
  deepEqual(sorted(found.names), sorted(Object.keys(raised)));
  await judge(
    probe,
    Object.entries(raised).flatMap(([name, { arrange = "", refuses, takes }]) => {
      ok(refuses.length > 0 && takes.length > 0, name);
      return [...refuses, ...takes].map((statement, n): Attempt => ({
        about: `${name}: ${statement}`,
        wanted: n < refuses.length ? `23514 ${name}` : "",
        statement: `${arrange}; ${statement}`,
      }));
    }),
  );
});
