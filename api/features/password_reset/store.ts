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

/** Whoever got the token by mail reads mail of that address. */
export async function setPassword(
  sql: TenantSql,
  user: { id: number; passwordHash: string; at: Date },
): Promise<void> {
  await sql`
    update users set password_hash = ${user.passwordHash},
      email_verified_at = coalesce(email_verified_at, ${user.at})
    where id = ${user.id}`;
}

/** @returns false where there is no such user any more, or he has proven it before */
export async function setVerified(
  sql: TenantSql,
  user: { id: number; at: Date },
): Promise<void> {
  await sql`
    update users set email_verified_at = coalesce(email_verified_at, ${user.at}) where id = ${user.id}`;
}
