import type { Role } from "../../auth/permissions.ts";
import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";

export async function insertUser(
  sql: PlatformSql | TenantSql,
  user: { tenantId: number; email: string; passwordHash: string; role: Role; name?: string },
): Promise<number> {
  const [row] = await sql<[{ id: number }]>`
    insert into users (tenant_id, email, name, password_hash, role)
    values (${user.tenantId}, ${user.email}, ${user.name ?? ""}, ${user.passwordHash}, ${user.role})
    returning id`;
  return row.id;
}
