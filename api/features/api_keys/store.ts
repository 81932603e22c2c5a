import type { Permission } from "../../auth/permissions.ts";
import type { TenantSql } from "../../database/tenancy.ts";

export interface ApiKeyRow {
  id: string;
  name: string;
  prefix: string;
  user_id: number;
  scopes: Permission[];
  allowed_peers: string[] | null;
  rate_limit: number | null;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
  previous_secret_until: Date | null;
}

/** Whose keys: one user's, or anybody's of the tenant. */
export interface KeyScope {
  userId: number | null;
}

const columns = (sql: TenantSql) =>
  sql`
    select k.id, k.name, k.prefix, k.user_id, k.allowed_peers::text[], k.rate_limit, k.created_at, k.expires_at,
      k.revoked_at, k.last_used_at, k.previous_secret_until,
      array(select s.permission from api_key_scopes s
        where s.tenant_id = k.tenant_id and s.api_key_id = k.id order by 1) as scopes
    from api_keys k`;

const ownedBy = (sql: TenantSql, { userId }: KeyScope) =>
  sql`(${userId}::integer is null or k.user_id = ${userId})`;

export async function insertApiKey(
  sql: TenantSql,
  key: {
    tenantId: number;
    id: string;
    userId: number;
    name: string;
    prefix: string;
    digest: Uint8Array;
    scopes: readonly Permission[];
    at: Date;
    expiresAt: Date | null;
    rateLimit: number | null;
    allowedPeers: readonly string[] | null;
  },
): Promise<void> {
  await sql`
    insert into api_keys (
      tenant_id, id, user_id, name, prefix, secret_digest, created_at, expires_at, rate_limit, allowed_peers
    ) values (
      ${key.tenantId}, ${key.id}, ${key.userId}, ${key.name}, ${key.prefix}, ${key.digest}, ${key.at},
      ${key.expiresAt}, ${key.rateLimit}, ${key.allowedPeers && [...key.allowedPeers]}::uuid[]
    )`;
  await sql`
    insert into api_key_scopes (tenant_id, api_key_id, permission)
    select ${key.tenantId}, ${key.id}, unnest(${[...key.scopes]}::text[])
    on conflict do nothing`;
}

/** How many of these peers the tenant has. */
export async function countPeers(sql: TenantSql, ids: readonly string[]): Promise<number> {
  const [row] = await sql<[{ n: number }]>`
    select count(*)::integer as n from wg_peers where id = any (${[
    ...ids,
  ]}::uuid[]) and deleted_at is null`;
  return row.n;
}

/** Keys of a user that are good, so that nobody makes them without end. */
export async function countLiveKeys(sql: TenantSql, userId: number, now: Date): Promise<number> {
  // Creations of one user take turns from here to their commit.
  await sql`select from users where id = ${userId} for no key update`;
  const [row] = await sql<[{ n: number }]>`
    select count(*)::integer as n from api_keys
    where user_id = ${userId} and revoked_at is null and (expires_at is null or expires_at > ${now})`;
  return row.n;
}

/** Oldest first: ids are UUIDv7. */
export async function listApiKeys(
  sql: TenantSql,
  scope: KeyScope,
  page: { after: string | null; limit: number },
): Promise<ApiKeyRow[]> {
  return await sql<ApiKeyRow[]>`
    ${columns(sql)} where ${
    ownedBy(sql, scope)
  } and (${page.after}::uuid is null or k.id > ${page.after})
    order by k.id limit ${page.limit}`;
}

export async function readApiKey(
  sql: TenantSql,
  scope: KeyScope,
  id: string,
  options: { lock?: boolean } = {},
): Promise<ApiKeyRow | undefined> {
  const [row] = await sql<ApiKeyRow[]>`
    ${columns(sql)} where ${ownedBy(sql, scope)} and k.id = ${id}
    ${options.lock ? sql`for no key update of k` : sql``}`;
  return row;
}

/** Whether a key is as it was made, and nothing was done with it, as far as is written down. */
export async function isUnusedKey(
  sql: TenantSql,
  key: { id: string; digest: Uint8Array; now: Date },
): Promise<boolean> {
  const rows = await sql`
    select from api_keys where id = ${key.id} and secret_digest = ${key.digest} and last_used_at is null
      and revoked_at is null and (expires_at is null or expires_at > ${key.now})`;
  return rows.length > 0;
}

export async function revokeApiKey(sql: TenantSql, id: string, at: Date): Promise<void> {
  await sql`update api_keys set revoked_at = coalesce(revoked_at, ${at}) where id = ${id}`;
}

export async function replaceSecret(
  sql: TenantSql,
  key: { id: string; digest: Uint8Array; previousUntil: Date | null },
): Promise<void> {
  await sql`
    update api_keys set secret_digest = ${key.digest},
      previous_secret_digest = case when ${key.previousUntil}::timestamptz is not null then secret_digest end,
      previous_secret_until = ${key.previousUntil}
    where id = ${key.id}`;
}

export interface UsageRow {
  day: string;
  endpoint: string;
  requests: number;
  errors: number;
}

/** Newest day first, and of a day by operation. */
export async function listUsage(
  sql: TenantSql,
  id: string,
  page: {
    days: number;
    now: Date;
    after: Pick<UsageRow, "day" | "endpoint"> | null;
    limit: number;
  },
): Promise<UsageRow[]> {
  const day = page.after?.day ?? null;
  return await sql<UsageRow[]>`
    select day::text, endpoint, requests::float8 as requests, errors::float8 as errors from api_key_usage
    where api_key_id = ${id} and day > ${page.now}::date - ${page.days}::integer
      and (${day}::date is null or day < ${day}
        or day = ${day} and endpoint > ${page.after?.endpoint ?? null})
    order by day desc, endpoint limit ${page.limit}`;
}
