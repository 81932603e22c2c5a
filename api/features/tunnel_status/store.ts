import type { TenantSql } from "../../database/tenancy.ts";

/** Addresses of the pool. */
export interface PoolRow {
  gateway_id: number;
  network: string;
  size: number;
  used: number;
  resting: number;
  free: number;
  quota: number | null;
}

/** Of the whole interface; the pool does not say whose an address is. */
export async function countPool(
  sql: TenantSql,
  interfaceId: number,
): Promise<PoolRow | undefined> {
  const [row] = await sql<PoolRow[]>`
    select i.id as gateway_id, i.network::text, count(*)::integer as size,
      count(*) filter (where p.free_from is null)::integer as used,
      count(*) filter (where p.free_from > now())::integer as resting,
      count(*) filter (where p.free_from <= now())::integer as free, null as quota
    from wg_interfaces i join wg_ip_pool p on p.interface_id = i.id
    where i.id = ${interfaceId} group by i.id`;
  return row;
}

/** Of one tenant: what it holds, and what it can take yet, which it could find out by trying. */
export async function countTenantPool(
  sql: TenantSql,
  { tenantId, interfaceId }: { tenantId: number; interfaceId: number },
): Promise<PoolRow | undefined> {
  const [row] = await sql<PoolRow[]>`
    with own as (
      select i.id, i.network,
        coalesce(t.peer_quota, wg_tenant_share(i.network, i.tenant_share))::integer as quota,
        (select count(*) from wg_peers p where p.tenant_id = t.id)::integer as used,
        (select count(*) from wg_resting_addresses r
          where r.tenant_id = t.id and r.until > now())::integer as resting,
        wg_resting_held(t.id, null) as counted, wg_held_on_gateway(t.id, i.id) as here
      from wg_interfaces i, tenants t where i.id = ${interfaceId} and t.id = ${tenantId}
    )
    select id as gateway_id, network::text, (2 ^ (32 - masklen(network)) - 8)::integer as size, used, resting, quota,
      -- No further than the tenant can go: what is free beyond that is the others'.
      (select count(*) from (
        select from wg_ip_pool p where p.interface_id = own.id and p.free_from <= now()
        limit greatest(0, quota - greatest(used + counted, here))) takeable)::integer as free
    from own`;
  return row;
}
