import type { ISql } from "postgres";
import type { Sql } from "../../db/connection.ts";

type Protocol = "tcp" | "udp" | "icmp" | "any";

/** What became of a policy on the wire. */
export interface PolicyOutcome {
  readonly state: "applied" | "rejected";
  /** Why it was rejected, in plain words. */
  readonly error: string | null;
}

/** What a tenant opened for its peers, as its rows say. */
export interface TenantPolicy {
  readonly tenantId: number;
  /** A bigint, as text. */
  readonly version: string;
  readonly peerToPeer: boolean;
  readonly services: readonly {
    readonly peerId: string;
    readonly protocol: "tcp" | "udp";
    readonly from: number;
    readonly to: number;
  }[];
  readonly routes: readonly {
    readonly network: string;
    readonly protocol: Protocol;
    readonly from: number | null;
    readonly to: number | null;
    /** The database compared it with its grant once more. */
    readonly granted: boolean;
  }[];
  /** As last recorded of this gateway. */
  readonly recorded: PolicyOutcome & { readonly version: string } | null;
}

/** Stands for all policies, services, routes and grants at one time. */
export async function readPolicyDigest(sql: Sql): Promise<string> {
  const [row] = await sql<{ digest: string }[]>`
    select coalesce(bit_xor(digest), 0)::text as digest from (
      select hash_record_extended(row(p.tenant_id, p.version, p.peer_to_peer), 0) as digest from wg_policies p
      union all select hash_record_extended(s, 1) from wg_policy_services s
      union all select hash_record_extended(row(r, g), 2) from wg_policy_routes r
        join wg_grants g on g.tenant_id = r.tenant_id and g.id = r.grant_id
    ) as found`;
  return row?.digest ?? "0";
}

/** Policies of all tenants with their services and routes, and what is recorded of each on this gateway. */
export async function readPolicies(
  sql: ISql<Record<never, never>>,
  interfaceId: number,
): Promise<TenantPolicy[]> {
  return await sql<TenantPolicy[]>`
    select p.tenant_id as "tenantId", p.version::text as version, p.peer_to_peer as "peerToPeer",
        coalesce((
          select jsonb_agg(jsonb_build_object('peerId', s.peer_id, 'protocol', s.protocol,
              'from', s.port_from, 'to', s.port_to) order by s.position)
            from wg_policy_services s where s.tenant_id = p.tenant_id), '[]') as services,
        coalesce((
          select jsonb_agg(jsonb_build_object('network', r.network, 'protocol', r.protocol,
              'from', r.port_from, 'to', r.port_to,
              'granted', r.network <<= g.network and (g.protocol = 'any' or g.protocol = r.protocol)
                and (g.port_from is null
                  or coalesce(r.port_from >= g.port_from and r.port_to <= g.port_to, false)))
              order by r.position)
            from wg_policy_routes r
            join wg_grants g on g.tenant_id = r.tenant_id and g.id = r.grant_id
            where r.tenant_id = p.tenant_id), '[]') as routes,
        case when o.tenant_id is not null then
          jsonb_build_object('version', o.version::text, 'state', o.state, 'error', o.error) end as recorded
      from wg_policies p
      left join wg_policy_outcomes o on o.tenant_id = p.tenant_id and o.interface_id = ${interfaceId}`;
}

export interface OutcomeChange extends PolicyOutcome {
  readonly tenantId: number;
  readonly version: string;
}

/** Writes what became of policies on this gateway. */
export async function writeOutcomes(
  sql: Sql,
  interfaceId: number,
  outcomes: readonly OutcomeChange[],
): Promise<void> {
  // A policy that vanished meanwhile is left out; what is known of an older one replaces nothing newer.
  await sql`
    insert into wg_policy_outcomes as s (tenant_id, interface_id, version, state, error)
      select p.tenant_id, ${interfaceId}, seen.version, seen.state, seen.error
        from jsonb_to_recordset(${sql.json(outcomes.map((outcome) => ({ ...outcome })))}::jsonb)
          as seen ("tenantId" integer, version bigint, state text, error text)
        join wg_policies p on p.tenant_id = seen."tenantId"
    on conflict (tenant_id, interface_id) do update set version = excluded.version, state = excluded.state,
        error = excluded.error, changed_at = now()
      where excluded.version >= s.version`;
}
