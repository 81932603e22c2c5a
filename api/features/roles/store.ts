import type { Permission } from "../../auth/permissions.ts";
import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";

export interface RoleRow {
  id: number;
  name: string;
  about: string;
  system: boolean;
  permissions: Permission[];
  mfa_required: boolean;
  created_at: Date;
  updated_at: Date;
}

export async function listPermissions(
  sql: PlatformSql,
  page: { after: string; limit: number },
) {
  const rows = await sql<{ name: string; description: string; platform: boolean }[]>`
    select name, about as description, platform from permissions
    where name > ${page.after} order by name limit ${page.limit}`;
  return [...rows];
}

/** Of `roles r`: everything that it permits. */
export function permissionsOfRole(sql: TenantSql | PlatformSql) {
  return sql`array(
    select s.permission from system_role_permissions s where s.system_role = r.system
    union all
    select o.permission from role_permissions o
      where r.system is null and o.tenant_id = r.tenant_id and o.role_id = r.id
    order by 1)`;
}

function selectRoles(sql: TenantSql | PlatformSql) {
  return sql`
    select r.id, r.name, r.about, r.system is not null as system,
      ${permissionsOfRole(sql)} as permissions, r.mfa_required, r.created_at, r.updated_at
    from roles r`;
}

/** A role of the tenant by its name, with what it permits. */
export async function findRole(
  sql: TenantSql | PlatformSql,
  name: string,
): Promise<RoleRow | undefined> {
  const [row] = await sql<RoleRow[]>`
    ${selectRoles(sql)} where r.tenant_id = (select current_tenant_id()) and r.name = ${name}`;
  return row;
}

export async function readRole(sql: TenantSql, id: number): Promise<RoleRow | undefined> {
  const [row] = await sql<RoleRow[]>`${selectRoles(sql)} where r.id = ${id}`;
  return row;
}

/** A role that is to be changed: what it permits, and that it is nobody else's to change meanwhile. */
export async function lockRole(sql: TenantSql, id: number): Promise<RoleRow | undefined> {
  await sql`select from roles where id = ${id} and system is null for update`;
  return await readRole(sql, id);
}

export async function listRoles(
  sql: TenantSql,
  page: { after: number; limit: number },
): Promise<RoleRow[]> {
  return await sql<RoleRow[]>`
    ${selectRoles(sql)} where r.id > ${page.after} order by r.id limit ${page.limit}`;
}

export async function insertRole(
  sql: TenantSql,
  role: { tenantId: number; name: string; about: string; mfaRequired: boolean },
): Promise<number> {
  const [row] = await sql<[{ id: number }]>`
    insert into roles (tenant_id, name, about, mfa_required)
    values (${role.tenantId}, ${role.name}, ${role.about}, ${role.mfaRequired}) returning id`;
  return row.id;
}

export async function updateRoleRow(
  sql: TenantSql,
  role: { id: number; name: string; about: string; mfaRequired: boolean },
): Promise<void> {
  await sql`
    update roles set name = ${role.name}, about = ${role.about}, mfa_required = ${role.mfaRequired}
    where id = ${role.id}`;
}

export async function replaceRolePermissions(
  sql: TenantSql,
  role: { tenantId: number; id: number; permissions: readonly Permission[] },
): Promise<void> {
  const permissions = sql`
    select jsonb_array_elements_text(${sql.json([...role.permissions])}::jsonb)`;
  await sql`
    delete from role_permissions where role_id = ${role.id} and permission not in (${permissions})`;
  await sql`
    insert into role_permissions (tenant_id, role_id, permission)
      select ${role.tenantId}, ${role.id}, permission from (${permissions}) as p (permission)
    on conflict do nothing`;
}

/** Who had it until some time ago does not keep it from going. */
export async function deleteRole(sql: TenantSql, id: number, now: Date): Promise<void> {
  await sql`delete from user_roles where role_id = ${id} and expires_at <= ${now}`;
  await sql`delete from invitations where role_id = ${id} and expires_at <= ${now}`;
  await sql`delete from roles where id = ${id}`;
}

/** What a user may do at a moment, or for as long as until then; `until: null` is for good. */
export async function permissionsOf(
  sql: TenantSql,
  who: { userId: number } & ({ at: Date } | { until: Date | null }),
): Promise<Permission[]> {
  // What ends at `until` lasts until then.
  const moment = "at" in who
    ? sql`${who.at}::timestamptz`
    : who.until === null
    ? sql`'infinity'::timestamptz`
    : sql`${who.until}::timestamptz - interval '1 microsecond'`;
  const [row] = await sql<[{ permissions: Permission[] }]>`
    select permissions_of(${who.userId}, ${moment}) as permissions`;
  return row.permissions;
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

/** Gives a role, or another end to one that the user has. */
export async function putUserRole(
  sql: TenantSql,
  given: {
    tenantId: number;
    userId: number;
    roleId: number;
    by: number | null;
    at: Date;
    until: Date | null;
  },
): Promise<void> {
  await sql`
    insert into user_roles (tenant_id, user_id, role_id, granted_by, granted_at, expires_at)
    values (${given.tenantId}, ${given.userId}, ${given.roleId}, ${given.by}, ${given.at}, ${given.until})
    on conflict on constraint user_roles_pkey do update
      set granted_by = excluded.granted_by, granted_at = excluded.granted_at,
        expires_at = excluded.expires_at`;
}

/** @returns false where the user does not have it */
export async function deleteUserRole(
  sql: TenantSql,
  which: { userId: number; roleId: number },
): Promise<boolean> {
  const result = await sql`
    delete from user_roles where user_id = ${which.userId} and role_id = ${which.roleId}`;
  return result.count > 0;
}

export interface UserRoleRow {
  role_id: number;
  name: string;
  granted_by: number | null;
  granted_at: Date;
  expires_at: Date | null;
}

const rolesOf = (sql: TenantSql, userId: number) =>
  sql`
    select h.role_id, r.name, h.granted_by, h.granted_at, h.expires_at
    from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
    where h.user_id = ${userId}`;

/** @returns undefined where there is no such user */
export async function listUserRoles(
  sql: TenantSql,
  page: { userId: number; after: number; limit: number },
): Promise<UserRoleRow[] | undefined> {
  const [user] = await sql<{ id: number }[]>`select id from users where id = ${page.userId}`;
  if (!user) return undefined;
  return await sql<UserRoleRow[]>`
    ${rolesOf(sql, page.userId)} and h.role_id > ${page.after}
    order by h.role_id limit ${page.limit}`;
}

export async function readUserRole(
  sql: TenantSql,
  which: { userId: number; roleId: number },
): Promise<UserRoleRow | undefined> {
  const [row] = await sql<UserRoleRow[]>`
    ${rolesOf(sql, which.userId)} and h.role_id = ${which.roleId}`;
  return row;
}

/** Locks a user, so that decisions over him take turns. @returns false where there is no such user */
export async function lockUser(sql: TenantSql, userId: number): Promise<boolean> {
  const rows = await sql`select id from users where id = ${userId} for no key update`;
  return rows.length > 0;
}
