import type { TenantSql } from "../../database/tenancy.ts";
import type { Locale } from "../../mail/mod.ts";

type Rule = "off" | "invite" | "open";

export interface RegistrationFacts {
  registration: Rule;
  /** Whether somebody has the address, active or not. */
  taken: boolean;
}

/** One query, whoever it is about. */
export async function readRegistrationFacts(
  sql: TenantSql,
  email: string,
): Promise<RegistrationFacts> {
  const [row] = await sql<RegistrationFacts[]>`
    select registration, exists (select from users u where u.email = ${email}) as taken
    from tenants where id = (select current_tenant_id()) and status = 'active'`;
  return row ?? { registration: "off", taken: false };
}

/** Registrations of one address that wait at a time; the oldest make room. */
const mostOfOne = 5;

export async function insertRegistration(
  sql: TenantSql,
  registration: {
    tenantId: number;
    digest: Uint8Array;
    email: string;
    name: string;
    locale: Locale;
    passwordHash: string;
    at: Date;
    expiresAt: Date;
  },
): Promise<void> {
  const { tenantId, digest, email, name, locale, passwordHash, at, expiresAt } = registration;
  await sql`
    delete from registrations where expires_at <= ${at} or token_digest in (
      select token_digest from registrations where email = ${email}
      order by created_at desc offset ${mostOfOne - 1})`;
  await sql`
    insert into registrations (tenant_id, token_digest, email, name, locale, password_hash, created_at, expires_at)
    values (${tenantId}, ${digest}, ${email}, ${name}, ${locale}, ${passwordHash}, ${at}, ${expiresAt})`;
}

export interface Registration {
  email: string;
  name: string;
  locale: Locale;
  password_hash: string;
  /** The tenant's, by now. */
  rule: Rule;
}

/** Takes a registration out, and with it the others of its address; of many who bring the token, one gets it. */
export async function takeRegistration(
  sql: TenantSql,
  by: { digest: Uint8Array; now: Date },
): Promise<Registration | undefined> {
  const [row] = await sql<Registration[]>`
    delete from registrations r using tenants t
    where r.token_digest = ${by.digest} and r.expires_at > ${by.now}
      and t.id = r.tenant_id and t.status = 'active' and t.registration <> 'off'
    returning r.email, r.name, r.locale, r.password_hash, t.registration as rule`;
  if (row) await sql`delete from registrations where email = ${row.email}`;
  return row;
}
