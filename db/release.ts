import type { Sql } from "./connection.ts";
import type { Migration } from "./migrate.ts";

/** A released schema with data in every table, as `db/released/<version>.json` has it. */
export interface Release {
  version: string;
  /** With the SHA-256 of each file: none of them may be edited any more. */
  migrations: { id: string; checksum: string }[];
  /** Rows as PostgreSQL writes them in JSON, a line each, by table. */
  rows: Record<string, unknown[]>;
}

const folder = new URL("./released/", import.meta.url);

/** All that were noted, the oldest first. */
export async function readReleases(): Promise<Release[]> {
  const found: Release[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".json")) {
      found.push(JSON.parse(await Deno.readTextFile(new URL(name, folder))));
    }
  }
  return found.sort((a, b) => (a.version < b.version ? -1 : 1));
}

/** A row a line, so that a diff of two releases can be read. */
export async function writeRelease(release: Release): Promise<void> {
  const tables = Object.entries(release.rows).map(([table, rows]) =>
    `    ${JSON.stringify(table)}: [\n${
      rows.map((row) => `      ${JSON.stringify(row)}`).join(",\n")
    }\n    ]`
  );
  const migrations = release.migrations.map((each) => `    ${JSON.stringify(each)}`);
  await Deno.writeTextFile(
    new URL(`${release.version}.json`, folder),
    `{\n  "version": ${JSON.stringify(release.version)},\n  "migrations": [\n${
      migrations.join(",\n")
    }\n  ],\n  "rows": {\n${tables.join(",\n")}\n  }\n}\n`,
  );
}

/** Tables of a database but for the months of the audit log, which are made by the clock. */
export async function tablesOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and relname <> 'schema_migrations'
    order by relname`;
  return rows.map(({ name }) => name);
}

/** Columns that a row is written with: not those that the server computes. */
async function columnsOf(sql: Sql, table: string): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = to_regclass(${table}) and attnum > 0 and not attisdropped and attgenerated = ''
    order by attnum`;
  return rows.map(({ name }) => name);
}

/** Every row as text, each table sorted; what a later migration added to a row is left out by `only`. */
export async function readRows(
  sql: Sql,
  table: string,
  only?: readonly string[],
): Promise<Record<string, unknown>[]> {
  const own = await columnsOf(sql, table);
  const columns = only ? only.filter((name) => own.includes(name)) : own;
  const rows = await sql<{ row: Record<string, unknown> }[]>`
    select row_to_json(r) as row from (select ${sql(columns)} from ${sql(table)}) r
    order by row_to_json(r)::text collate "C"`;
  return rows.map(({ row }) => row);
}

/**
 * Puts a release's rows into a database that has its migrations and nothing else.
 * @param superuser because triggers and foreign keys have seen these rows already
 */
export async function loadRows(superuser: Sql, { rows }: Pick<Release, "rows">): Promise<void> {
  await superuser.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    for (const [table, list] of Object.entries(rows)) {
      await sql`delete from ${sql(table)}`;
      const columns = Object.keys(Object(list[0]));
      if (columns.length === 0) continue;
      await sql`
        insert into ${sql(table)} (${sql(columns)}) overriding system value
          select ${sql(columns)} from json_populate_recordset(null::${sql(table)}, ${
        JSON.stringify(list)
      }::text::json)`;
    }
    // Numbers that were given away are not given again.
    const sequences = await sql<{ relation: string; column: string; sequence: string }[]>`
      select c.relname as relation, a.attname as column,
        pg_get_serial_sequence(quote_ident(c.relname), a.attname) as sequence
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and a.attidentity <> '' and not c.relispartition`;
    for (const { relation, column, sequence } of sequences) {
      await sql`
        select setval(${sequence}::regclass, greatest(1, max(${sql(column)}))) from ${
        sql(relation)
      }`;
    }
  });
}

/** The migrations of a release, as they are now. @throws {RangeError} where one is gone or was edited */
export function migrationsOf(release: Release, all: readonly Migration[]): Migration[] {
  return release.migrations.map(({ id, checksum }) => {
    const found = all.find((migration) => migration.id === id);
    if (found?.checksum !== checksum) {
      throw new RangeError(
        `migration ${id} was released with ${release.version} and is not what it was`,
      );
    }
    return found;
  });
}
