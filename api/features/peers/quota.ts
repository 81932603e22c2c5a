import { ApiError } from "../../errors.ts";
import type { TenantSql } from "../../database/tenancy.ts";

/** First key of the advisory locks of users; that of tenants is 1, in the database's own check. */
const userLock = 2;

interface Holdings {
  /** Peers, and tombstones that have not gone yet. */
  peers: number;
  resting: number;
  /** When the next one has rested. */
  next: Date | null;
}

/**
 * Refuses more peers where those would be more than the tenant may have, on one gateway or at all, or more than the
 * owner may make for himself. Addresses that rest count, so that making and removing peers gets nobody more of the
 * pool; what a mover left counts on its gateway alone. The tenant's quota is held at commit, by the database; here
 * it is only refused early and in words. Creations of one owner take turns from here to their commit.
 * @param who.interfaceId where they go
 * @param who.count how many more; one unless told
 * @param who.owner the caller in self-service; null for an admin, whom the quota of users does not bind
 * @throws {ApiError} `quota_exceeded`
 */
export async function holdToQuotas(
  sql: TenantSql,
  who: { tenantId: number; interfaceId: number; owner: number | null; count?: number },
): Promise<void> {
  const { count = 1, owner } = who;
  if (owner !== null) await sql`select pg_advisory_xact_lock(${userLock}, ${owner})`;
  // One look at the tenant's peers for all three numbers: of ten thousand, each look is milliseconds.
  const [facts] = await sql<
    {
      tenant_quota: string;
      user_peer_quota: number;
      tenant: Holdings;
      own: Holdings;
      here: number;
    }[]
  >`
    select coalesce(t.peer_quota, wg_tenant_share(i.network, i.tenant_share))::text as tenant_quota,
      t.user_peer_quota, (peers.here + resting.here)::integer as here,
      jsonb_build_object('peers', peers.everywhere, 'resting', wg_resting_held(t.id, null),
        'next', resting.next) as tenant,
      jsonb_build_object('peers', peers.own, 'resting', wg_resting_held(t.id, ${owner}::integer),
        'next', resting.own_next) as own
    from tenants t
    join wg_interfaces i on i.id = ${who.interfaceId}
    cross join lateral (
      select count(*) as everywhere, count(*) filter (where p.interface_id = i.id) as here,
        count(*) filter (where p.user_id = ${owner}::integer) as own
      from wg_peers p where p.tenant_id = t.id) peers
    cross join lateral (
      select count(*) filter (where r.interface_id = i.id) as here,
        min(r.until) filter (where r.until < 'infinity') as next,
        min(r.until) filter (where r.until < 'infinity' and r.user_id = ${owner}::integer) as own_next
      from wg_resting_addresses r where r.tenant_id = t.id and r.until > now()) resting
    where t.id = ${who.tenantId}`;
  // A gateway that there is not: who places the peer says so.
  if (!facts) return;
  if (owner !== null) refuseOver("you", facts.user_peer_quota, facts.own, count);
  const tenantQuota = Number(facts.tenant_quota);
  // How many peers there are beside his own is no affair of a user's.
  const isFullHere = facts.here + count > tenantQuota;
  if (owner !== null && (isFullHere || !fits(tenantQuota, facts.tenant, count))) {
    throw new ApiError("quota_exceeded");
  }
  refuseOver("the tenant", tenantQuota, facts.tenant, count);
  if (isFullHere) refuseHere({ ...who, quota: tenantQuota, here: facts.here });
}

/**
 * The same for a peer that has moved there in this transaction. It takes nothing that its tenant does not have
 * already, and so may, whatever that holds elsewhere.
 * @throws {ApiError} `quota_exceeded`
 */
export async function holdMoverToQuota(
  sql: TenantSql,
  who: { tenantId: number; interfaceId: number },
): Promise<void> {
  const [facts] = await sql<{ quota: string; here: string }[]>`
    select coalesce(t.peer_quota, wg_tenant_share(i.network, i.tenant_share))::text as quota,
      wg_held_on_gateway(t.id, i.id)::text as here
    from tenants t, wg_interfaces i where t.id = ${who.tenantId} and i.id = ${who.interfaceId}`;
  const [quota, here] = [Number(facts?.quota ?? 0), Number(facts?.here ?? 0)];
  if (here > quota) refuseHere({ ...who, quota, here: here - 1 });
}

function refuseHere(
  { interfaceId, quota, here }: { interfaceId: number; quota: number; here: number },
): never {
  throw new ApiError("quota_exceeded", {
    detail:
      `the tenant may hold ${quota} addresses of gateway ${interfaceId}, and holds ${here}, those that rest included`,
  });
}

function fits(quota: number, held: Holdings, count: number): boolean {
  return held.peers + held.resting + count <= quota;
}

function refuseOver(who: string, quota: number, held: Holdings, count: number): void {
  if (fits(quota, held, count)) return;
  const rest = held.next === null
    ? ""
    : `; ${held.resting} more addresses of removed peers rest, the next until ${
      new Date(held.next).toISOString()
    }`;
  throw new ApiError("quota_exceeded", {
    detail: `${who} may have ${quota} peers, ${held.peers} are there${rest}`,
  });
}
