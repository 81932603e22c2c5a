import type { PlatformSql, TenantSql } from "../../database/tenancy.ts";
import type { Locale } from "../../mail/mod.ts";

export interface UserRow {
  id: number;
  email: string;
  name: string;
  status: "active" | "inactive";
  locale: Locale;
  phone: string | null;
  email_verified_at: string | null;
  last_login_at: string | null;
  /** Those that have not ended, in no order, parted by blanks: their names have none (`roles_name_is_a_word`). */
  roles: string;
  created_at: string;
  updated_at: string;
}

export async function insertUser(
  sql: PlatformSql | TenantSql,
  user: {
    tenantId: number;
    email: string;
    passwordHash: string;
    name?: string;
    locale?: Locale;
    phone?: string | null;
    emailVerifiedAt?: Date | null;
  },
): Promise<number> {
  const { name = "", locale = "en", phone = null, emailVerifiedAt = null } = user;
  const [row] = await sql<[{ id: number }]>`
    insert into users (tenant_id, email, name, password_hash, locale, phone, email_verified_at)
    values (${user.tenantId}, ${user.email}, ${name}, ${user.passwordHash}, ${locale}, ${phone},
      ${emailVerifiedAt})
    returning id`;
  return row.id;
}

/** When a user was last changed, to the microsecond; a log-in is no change. */
export async function stampOf(sql: TenantSql, id: number): Promise<string> {
  const [row] = await sql<{ stamp: string }[]>`
    select extract(epoch from updated_at)::text as stamp from users where id = ${id}`;
  return row?.stamp ?? "";
}

/** @returns false where the user changed since, or has logged in: the password may be one that he knows */
export async function replaceUnusedPassword(
  sql: TenantSql,
  user: { id: number; stamp: string; passwordHash: string },
): Promise<boolean> {
  const result = await sql`
    update users set password_hash = ${user.passwordHash}
    where id = ${user.id} and extract(epoch from updated_at)::text = ${user.stamp} and last_login_at is null`;
  return result.count > 0;
}

/**
 * Times as they are answered, and roles as one text: a list of users is as dear as what its rows are made into. The
 * tenant's roles are few, and looked up once instead of for each user. They are named by a sub-select and not by a join:
 * of a join PostgreSQL may begin with the role, and go through all of its holders for each user.
 */
function selectUsers(sql: PlatformSql | TenantSql, now: Date) {
  return sql`
    with role as materialized (select tenant_id, id, name from roles)
    select u.id, u.email, u.name, u.status, u.locale, u.phone,
      to_char(u.email_verified_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as email_verified_at,
      to_char(u.last_login_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as last_login_at,
      array_to_string(array(
        select (select r.name from role r where r.tenant_id = h.tenant_id and r.id = h.role_id) from user_roles h
        where h.tenant_id = u.tenant_id and h.user_id = u.id and (h.expires_at is null or h.expires_at > ${now})
      ), ' ') as roles,
      to_char(u.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created_at,
      to_char(u.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as updated_at
    from users u`;
}

export async function readUser(
  sql: PlatformSql | TenantSql,
  id: number,
  now: Date,
): Promise<UserRow | undefined> {
  const [row] = await sql<UserRow[]>`${selectUsers(sql, now)} where u.id = ${id}`;
  return row;
}

export async function isUser(sql: TenantSql, email: string): Promise<boolean> {
  const rows = await sql`select id from users where email = ${email}`;
  return rows.length > 0;
}

/** The keys of these orders; the first is that of creation. */
export const userOrders = [
  "id",
  "-id",
  "created_at",
  "-created_at",
  "email",
  "-email",
  "name",
  "-name",
] as const;
export type UserOrder = typeof userOrders[number];

/** The user that a page begins after, with the text it is ordered by. */
export interface UserPlace {
  id: number;
  text: string;
}

export interface UserPage {
  filters: {
    status: "active" | "inactive" | null;
    role: string | null;
    verified: boolean | null;
    /** Part of name or address, in any case. */
    text: string | null;
  };
  order: UserOrder;
  after: UserPlace | null;
  limit: number;
  now: Date;
}

/** Ids are given in the order of creation, and decide between equal names. */
export function listUsers(
  sql: TenantSql,
  { filters, order, after, limit, now }: UserPage,
) {
  const down = order.startsWith("-");
  const direction = down ? sql`desc` : sql`asc`;
  // Bytes, so that the order is that of the comparison on every server.
  const column = order.endsWith("email")
    ? sql`u.email collate "C"`
    : order.endsWith("name")
    ? sql`u.name collate "C"`
    : null;
  const key = column ? sql`(${column}, u.id)` : sql`(u.id)`;
  const beyond = (place: UserPlace) => {
    const id = sql`${place.id}::integer`;
    const there = column ? sql`(${place.text}, ${id})` : sql`(${id})`;
    return down ? sql`${key} < ${there}` : sql`${key} > ${there}`;
  };
  const filtered = Object.values(filters).some((value) => value !== null);
  // What nobody asked for is not in the statement: with it, PostgreSQL plans each time anew.
  return sql<UserRow[]>`
    ${selectUsers(sql, now)}
    where ${after === null ? sql`true` : beyond(after)}
      ${filtered ? filter(sql, filters, now) : sql``}
    order by ${column ? sql`${column} ${direction},` : sql``} u.id ${direction}
    limit ${limit}`;
}

function filter(sql: TenantSql, { status, role, verified, text }: UserPage["filters"], now: Date) {
  return sql`
      and (${status}::text is null or u.status = ${status})
      and (${verified}::boolean is null or (u.email_verified_at is not null) = ${verified})
      and (${role}::text is null or exists (
        select from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
        where h.tenant_id = u.tenant_id and h.user_id = u.id and r.name = ${role}
          and (h.expires_at is null or h.expires_at > ${now})))
      and (${text}::text is null
        or strpos(lower(u.name collate "unicode"), lower(${text} collate "unicode")) > 0
        or strpos(u.email, lower(${text})) > 0)`;
}

/** Writes what an admin may change; another address is one that nobody has proven yet. */
export async function updateUserRow(
  sql: TenantSql,
  user: Pick<UserRow, "id" | "email" | "name" | "locale" | "phone">,
): Promise<void> {
  await sql`
    update users set name = ${user.name}, locale = ${user.locale}, phone = ${user.phone},
      email_verified_at = case when email = ${user.email} then email_verified_at end, email = ${user.email}
    where id = ${user.id}`;
}

export async function setUserStatus(
  sql: TenantSql,
  user: { id: number; status: UserRow["status"] },
): Promise<void> {
  await sql`
    update users set status = ${user.status} where id = ${user.id} and status <> ${user.status}`;
}

/** The first proof is the one that is kept. */
export async function setEmailVerified(sql: TenantSql, id: number, at: Date): Promise<void> {
  await sql`update users set email_verified_at = ${at} where id = ${id} and email_verified_at is null`;
}

/** Peers that a user owns, with those on their way out: until they were read back gone, nobody may say that they are. */
export async function listPeerIdsOf(sql: TenantSql, userId: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from wg_peers where user_id = ${userId}`;
  return rows.map((row) => row.id);
}

/** Sessions, keys, roles and invitations go with the row. The caller has deactivated him and removed his peers. */
export async function deleteUserRow(sql: TenantSql, id: number): Promise<void> {
  await sql`delete from users where id = ${id}`;
}
