import type { PlatformSql } from "../../database/tenancy.ts";

/** Lets the daemon take these keys off, unless a row names them by then. Repeating it changes nothing. */
export async function insertReleases(
  sql: PlatformSql,
  interfaceId: number,
  publicKeys: readonly string[],
): Promise<void> {
  await sql`
    insert into wg_release_keys (interface_id, public_key)
      select ${interfaceId}, jsonb_array_elements_text(${sql.json([...publicKeys])}::jsonb)
      on conflict do nothing`;
}
