import { ApiError } from "../../errors.ts";
import type { TenantSql } from "../../database/tenancy.ts";

/** First keys of advisory locks, so that different things never wait for each other. */
const tenantLock = 1;
const userLock = 2;

/**
 * Refuses more peers where those would be more than the tenant may have, or more than the owner may make for
 * himself. Creations that count against the same quota take turns until they commit.
 * @param who.count how many more; one unless told
 * @param who.owner the caller in self-service; null for an admin, whom the quota of users does not bind
 * @throws {ApiError} `quota_exceeded`
 */
export async function holdToQuotas(
  sql: TenantSql,
  who: { tenantId: number; owner: number | null; count?: number },
): Promise<void> {
  const { count = 1 } = who;
  const [quotas] = await sql<{ peer_quota: number | null; user_peer_quota: number }[]>`
    select peer_quota, user_peer_quota from tenants where id = ${who.tenantId}`;
  if (!quotas) throw new ApiError("not_found");
  if (quotas.peer_quota !== null) {
    await sql`select pg_advisory_xact_lock(${tenantLock}, ${who.tenantId})`;
    const [row] = await sql<[{ n: number }]>`
      select count(*)::integer as n from wg_peers where deleted_at is null`;
    if (row.n + count > quotas.peer_quota) {
      throw new ApiError("quota_exceeded", { detail: `the tenant may have ${quotas.peer_quota}` });
    }
  }
  if (who.owner !== null) {
    await sql`select pg_advisory_xact_lock(${userLock}, ${who.owner})`;
    const [row] = await sql<[{ n: number }]>`
      select count(*)::integer as n from wg_peers where user_id = ${who.owner} and deleted_at is null`;
    if (row.n + count > quotas.user_peer_quota) {
      throw new ApiError("quota_exceeded", { detail: `you may have ${quotas.user_peer_quota}` });
    }
  }
}
