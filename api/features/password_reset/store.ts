import type { TenantSql } from "../../database/tenancy.ts";
import type { Locale } from "../../mail/mod.ts";

export interface MailAccount {
  user_id: number;
  email: string;
  locale: Locale;
  verified: boolean;
}

/** The active user of an address; one query and one row, whether there is one or not. */
export async function findMailAccount(
  sql: TenantSql,
  email: string,
): Promise<MailAccount | null> {
  const [row] = await sql<[{ account: MailAccount | null }]>`
    select (
      select jsonb_build_object('user_id', u.id, 'email', u.email, 'locale', u.locale,
        'verified', u.email_verified_at is not null)
      from users u join tenants t on t.id = u.tenant_id
      where u.email = ${email} and u.status = 'active' and t.status = 'active'
    ) as account`;
  return row.account;
}

/** As many statements as a token and its mail take, where there is nobody to send them to. */
export async function standInForMail(sql: TenantSql): Promise<void> {
  for (let n = 0; n < 2; n++) {
    await sql`select from tenants where id = (select current_tenant_id())`;
  }
}

/** Whom a token was mailed to, as he was when it was looked up. */
interface Addressee {
  id: number;
  email: string;
  at: Date;
}

/**
 * Whoever got the token by mail reads mail of that address.
 * @returns false where it is not the user's any more, or he may not come in, and nothing was changed
 */
export async function setPassword(
  sql: TenantSql,
  user: Addressee & { passwordHash: string },
): Promise<boolean> {
  const result = await sql`
    update users u set password_hash = ${user.passwordHash},
      email_verified_at = coalesce(u.email_verified_at, ${user.at})
    from tenants t
    where u.id = ${user.id} and u.email = ${user.email} and u.status = 'active'
      and t.id = u.tenant_id and t.status = 'active'`;
  return result.count === 1;
}

/** @returns false where it is not the user's address any more, or he may not come in, and nothing was changed */
export async function setVerified(sql: TenantSql, user: Addressee): Promise<boolean> {
  const result = await sql`
    update users u set email_verified_at = coalesce(u.email_verified_at, ${user.at})
    from tenants t
    where u.id = ${user.id} and u.email = ${user.email} and u.status = 'active'
      and t.id = u.tenant_id and t.status = 'active'`;
  return result.count === 1;
}
