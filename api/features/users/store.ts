import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";

export async function insertUser(
  sql: PlatformSql | TenantSql,
  user: { tenantId: number; email: string; passwordHash: string; name?: string },
): Promise<number> {
  const [row] = await sql<[{ id: number }]>`
    insert into users (tenant_id, email, name, password_hash)
    values (${user.tenantId}, ${user.email}, ${user.name ?? ""}, ${user.passwordHash})
    returning id`;
  return row.id;
}
