import { readMigrationIds } from "../../db/migrate.ts";
import { parseVersion, whyUnfit } from "../../db/schema_version.ts";
import type { Pool } from "./pool.ts";

/** The database's schema is older than the API needs, or too new for it. */
export class SchemaMismatchError extends Error {
  override name = "SchemaMismatchError";
}

/** A database that says nothing of its schema was never migrated: what is asked of it next fails anyway. @throws {SchemaMismatchError} */
export async function checkSchema(pool: Pool, own?: string): Promise<void> {
  const newest = own ?? (await readMigrationIds()).at(-1) ?? "";
  const [row] = await pool.use(({ sql }) =>
    sql<{ said: string | null }[]>`
      select obj_description('public'::regnamespace, 'pg_namespace') as said`
  );
  const version = parseVersion(row?.said ?? null);
  const reason = version && whyUnfit(version, newest);
  if (reason !== undefined) throw new SchemaMismatchError(reason);
}
