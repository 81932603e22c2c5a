import type { TenantSql } from "../../database/tenancy.ts";

export async function readEmail(sql: TenantSql, userId: number): Promise<string | undefined> {
  const [row] = await sql<{ email: string }[]>`select email from users where id = ${userId}`;
  return row?.email;
}
