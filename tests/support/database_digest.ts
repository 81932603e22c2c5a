import type { TestDatabase } from "./database.ts";

/** One statement a database that digests every table; tests ask it hundreds of times. */
const statements = new WeakMap<TestDatabase, Promise<string>>();

async function statementFor(db: TestDatabase): Promise<string> {
  const tables = await db.superuser<{ name: string; text: string }[]>`
    select quote_ident(relname) as name, quote_literal(relname) as text from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    order by relname`;
  return tables.map(({ name, text }) =>
    `select ${text} as name, count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) as digest
    from ${name} t`
  ).join(" union all ");
}

/** The number of rows of every table and a checksum over them: a refusal that changed anything changes it. */
export async function databaseDigest(
  db: TestDatabase,
  options: { except?: string[] } = {},
): Promise<Record<string, string>> {
  let statement = statements.get(db);
  if (!statement) statements.set(db, statement = statementFor(db));
  const rows = await db.superuser.unsafe<{ name: string; digest: string }[]>(await statement, [], {
    prepare: true,
  });
  return Object.fromEntries(
    rows.filter(({ name }) => !options.except?.includes(name))
      .map(({ name, digest }) => [name, digest]),
  );
}
