import type { Permission } from "../../auth/permissions.ts";
import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";

export interface RoleRow {
  id: number;
  name: string;
  permissions: Permission[];
}

/** A role of the tenant by its name, with what it permits. */
export async function findRole(
  sql: TenantSql | PlatformSql,
  name: string,
): Promise<RoleRow | undefined> {
  const [row] = await sql<RoleRow[]>`
    select r.id, r.name, array(
        select s.permission from system_role_permissions s where s.system_role = r.system
        union all
        select o.permission from role_permissions o
          where r.system is null and o.tenant_id = r.tenant_id and o.role_id = r.id
        order by 1
      ) as permissions
    from roles r where r.tenant_id = (select current_tenant_id()) and r.name = ${name}`;
  return row;
}

/** @returns false where the user has the role already, which stays as it was */
export async function insertUserRole(
  sql: TenantSql | PlatformSql,
  given: { tenantId: number; userId: number; roleId: number; by: number | null },
): Promise<boolean> {
  const result = await sql`
    insert into user_roles (tenant_id, user_id, role_id, granted_by)
    values (${given.tenantId}, ${given.userId}, ${given.roleId}, ${given.by})
    on conflict do nothing`;
  return result.count > 0;
}
