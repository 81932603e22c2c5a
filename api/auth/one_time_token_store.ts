import type { TenantSql } from "../database/tenancy.ts";

export type TokenPurpose = "password_reset" | "verify_email";

/** What a token was asked for through: a peer of the user's own, or anything else. */
export type TokenWay = "own" | "other";

/** As the database has it. */
const ownPurpose = (purpose: TokenPurpose) => `${purpose}_own`;

/**
 * Puts a token in the place of the one before it, if there is one by the same way: of those only the newest link
 * works. What others ask for voids none that the user asked for through a peer of his own (A5).
 */
export async function putOneTimeToken(
  sql: TenantSql,
  token: {
    tenantId: number;
    purpose: TokenPurpose;
    way: TokenWay;
    userId: number;
    email: string;
    digest: Uint8Array;
    at: Date;
    expiresAt: Date;
  },
): Promise<void> {
  const purpose = token.way === "own" ? ownPurpose(token.purpose) : token.purpose;
  await sql`
    insert into one_time_tokens (tenant_id, token_digest, purpose, user_id, email, created_at, expires_at)
    values (${token.tenantId}, ${token.digest}, ${purpose}, ${token.userId}, ${token.email}, ${token.at},
      ${token.expiresAt})
    on conflict (tenant_id, user_id, purpose) do update
      set token_digest = excluded.token_digest, email = excluded.email, created_at = excluded.created_at,
        expires_at = excluded.expires_at`;
}

export interface TokenOwner {
  user_id: number;
  email: string;
  name: string;
  locale: "en" | "fr";
  expires_at: Date;
}

interface Which {
  purpose: TokenPurpose;
  digest: Uint8Array;
  now: Date;
}

/** Whose token it is, left as it is. None of a user or tenant that is not active, or whose address is another by now. */
export async function findOneTimeToken(
  sql: TenantSql,
  { purpose, digest, now }: Which,
): Promise<TokenOwner | undefined> {
  const [row] = await sql<TokenOwner[]>`
    select o.user_id, u.email, u.name, u.locale, o.expires_at
    from one_time_tokens o
    join users u on u.tenant_id = o.tenant_id and u.id = o.user_id
      and u.status = 'active' and u.email = o.email
    join tenants t on t.id = o.tenant_id and t.status = 'active'
    where o.token_digest = ${digest} and o.purpose in (${purpose}, ${ownPurpose(purpose)})
      and o.expires_at > ${now}`;
  return row;
}

/** Uses a token up: of many who bring it at once, one gets true. */
export async function takeOneTimeToken(
  sql: TenantSql,
  { purpose, digest, now }: Which,
): Promise<boolean> {
  const result = await sql`
    delete from one_time_tokens
    where token_digest = ${digest} and purpose in (${purpose}, ${ownPurpose(purpose)})
      and expires_at > ${now}`;
  return result.count === 1;
}

/** Voids the tokens of a purpose, by whatever way they were asked for: a user's, or everybody's of the tenant. */
export async function dropOneTimeTokens(
  sql: TenantSql,
  { purpose, userId }: { purpose: TokenPurpose; userId: number | null },
): Promise<void> {
  await sql`
    delete from one_time_tokens where purpose in (${purpose}, ${ownPurpose(purpose)})
      and (${userId}::integer is null or user_id = ${userId})`;
}
