import type { TenantSql } from "../../database/tenancy.ts";

/** @returns false where the hash is another by now */
export async function replaceHash(
  sql: TenantSql,
  { userId, before, after }: { userId: number; before: string; after: string },
): Promise<boolean> {
  const result = await sql`
    update users set password_hash = ${after} where id = ${userId} and password_hash = ${before}`;
  return result.count === 1;
}

/** What a user is known by, which his password must not be made of. */
export async function readPersonal(sql: TenantSql, userId: number): Promise<string[]> {
  const [row] = await sql<{ email: string; name: string }[]>`
    select email, name from users where id = ${userId}`;
  return row ? [row.email, row.name] : [];
}
