import type postgres from "postgres";
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
  /** Those that have not ended, in the order of their names. */
  roles: string[];
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

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** A user with one of the roles he has; who has none is there once, with null. */
interface UserWithRole extends Omit<UserRow, "roles"> {
  role: string | null;
}

/**
 * Users with their roles, a row each: a list is as dear as what its rows are made into, and the roles of a page are
 * found by one look instead of one for each user. Those of the tenant are few, and named by a sub-select and not by a
 * join: of a join PostgreSQL may begin with the role, and go through all of its holders.
 * @param which what chooses among `users u`, and orders them
 * @param held which `user_roles h` to look at; it may ask for the ids of `page`
 */
function selectUsers(
  sql: PlatformSql | TenantSql,
  { which, held, now }: { which: Fragment; held: Fragment; now: Date },
) {
  return sql<UserWithRole[]>`
    with page as materialized (
      select u.id, u.email, u.name, u.status, u.locale, u.phone,
        (u.email_verified_at at time zone 'UTC')::text as email_verified_at,
        (u.last_login_at at time zone 'UTC')::text as last_login_at,
        (u.created_at at time zone 'UTC')::text as created_at,
        (u.updated_at at time zone 'UTC')::text as updated_at
      from users u ${which}
    ),
    role as materialized (select tenant_id, id, name from roles),
    held as materialized (
      select h.user_id, (select r.name from role r where r.tenant_id = h.tenant_id and r.id = h.role_id) as role
      from user_roles h where ${held} and (h.expires_at is null or h.expires_at > ${now})
    )
    select u.*, held.role from page u left join held on held.user_id = u.id`;
}

/** @param rows those of one user side by side */
export function gatherRoles(rows: readonly UserWithRole[]): UserRow[] {
  const users: UserRow[] = [];
  let last: UserRow | undefined;
  for (const row of rows) {
    if (last?.id !== row.id) users.push(last = userOf(row));
    if (row.role !== null) last.roles.push(row.role);
  }
  for (const user of users) user.roles.sort();
  return users;
}

function userOf(row: UserWithRole): UserRow {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    status: row.status,
    locale: row.locale,
    phone: row.phone,
    email_verified_at: row.email_verified_at && moment(row.email_verified_at),
    last_login_at: row.last_login_at && moment(row.last_login_at),
    roles: [],
    created_at: moment(row.created_at),
    updated_at: moment(row.updated_at),
  };
}

/** RFC 3339 of PostgreSQL's text of a time in UTC, which leaves out zeros at the end: a `Date` costs ten times that. */
function moment(text: string): string {
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, 23).padEnd(3, "0")}Z`;
}

export async function readUser(
  sql: PlatformSql | TenantSql,
  id: number,
  now: Date,
): Promise<UserRow | undefined> {
  const rows = await selectUsers(sql, {
    which: sql`where u.id = ${id}`,
    held: sql`h.user_id = ${id}`,
    now,
  });
  return gatherRoles(rows)[0];
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
  const inOrder = sql`order by ${column ? sql`${column} ${direction},` : sql``} u.id ${direction}`;
  // What nobody asked for is not in the statement: with it, PostgreSQL plans each time anew.
  const filtered = Object.values(filters).some((value) => value !== null);
  const which = sql`
    where ${after === null ? sql`true` : beyond(after)} ${
    filtered ? filter(sql, filters, now) : sql``
  }
    ${inOrder}
    limit ${limit}`;
  // One way along the index where nobody else is between them, and one to each where others may be.
  const held = column || filtered
    ? sql`h.user_id = any(array(select id from page))`
    : sql`h.user_id between (select min(id) from page) and (select max(id) from page)`;
  return sql<UserWithRole[]>`${selectUsers(sql, { which, held, now })} ${inOrder}`;
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
        or strpos(u.email, lower(${text} collate "unicode")) > 0)`;
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
