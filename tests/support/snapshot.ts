import type { TestDatabase } from "./database.ts";

/** A digest of every row of every table: a refusal that changed anything changes it. */
export async function databaseDigest(
  db: TestDatabase,
  options: { except?: string[] } = {},
): Promise<Record<string, string>> {
  const tables = await db.superuser<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    order by relname`;
  const digest: Record<string, string> = {};
  for (const { name } of tables) {
    if (options.except?.includes(name)) continue;
    const [row] = await db.superuser<[{ digest: string }]>`
      select count(*) || ':' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest
      from ${db.superuser(name)} t`;
    digest[name] = row.digest;
  }
  return digest;
}
