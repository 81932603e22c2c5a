import type { Role } from "../../auth/permissions.ts";
import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";

export interface TenantRow {
  id: number;
  slug: string;
  name: string;
  status: "active" | "suspended";
  is_platform: boolean;
  created_at: Date;
}

export async function insertTenant(
  sql: PlatformSql,
  tenant: { slug: string; name: string; is_platform: boolean },
): Promise<TenantRow> {
  const [row] = await sql<[TenantRow]>`
    insert into tenants (slug, name, is_platform)
    values (${tenant.slug}, ${tenant.name}, ${tenant.is_platform})
    returning id, slug, name, status, is_platform, created_at`;
  return row;
}

export async function listTenants(
  sql: PlatformSql,
  page: { after: number; limit: number },
): Promise<TenantRow[]> {
  return await sql<TenantRow[]>`
    select id, slug, name, status, is_platform, created_at from tenants
    where id > ${page.after} order by id limit ${page.limit}`;
}

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
