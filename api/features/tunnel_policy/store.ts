import type { PlatformSql, TenantId, TenantSql } from "../../database/tenancy.ts";
import { type GatewayOutcome, overall, unreached } from "./outcome.ts";
import { formatPorts, type Ports, type Protocol, type Reach } from "./reach.ts";
import type { PolicyView } from "./schemas.ts";

export interface Grant extends Reach {
  id: string;
  name: string;
  created_at: Date;
}

interface PortColumns {
  port_from: number | null;
  port_to: number | null;
}

interface GrantRow extends PortColumns {
  id: string;
  name: string;
  network: string;
  protocol: Protocol;
  created_at: Date;
}

function portsOf({ port_from, port_to }: PortColumns): Ports {
  return port_from === null || port_to === null ? null : [port_from, port_to];
}

function toGrant({ port_from, port_to, ...row }: GrantRow): Grant {
  return { ...row, ports: portsOf({ port_from, port_to }) };
}

/** The tenant's grants, oldest first. */
export async function listGrants(
  sql: TenantSql,
  page: { after: string | null; limit: number | null },
): Promise<Grant[]> {
  const rows = await sql<GrantRow[]>`
    select id, name, network::text, protocol, port_from, port_to, created_at from wg_grants
    where (${page.after}::uuid is null or id > ${page.after}::uuid)
    order by id limit ${page.limit}`;
  return rows.map(toGrant);
}

/** Networks of all tunnels, of both families. */
export async function tunnelNetworks(sql: PlatformSql): Promise<string[]> {
  const rows = await sql<{ network: string }[]>`
    select network::text from wg_interfaces
    union all select network6::text from wg_interfaces where network6 is not null`;
  return rows.map((row) => row.network);
}

/**
 * Makes whoever changes what a tenant may reach wait for the others, so that a withdrawn grant and a route that
 * rests on it never wait for one another.
 */
export async function lockReach(sql: TenantSql | PlatformSql, tenantId: TenantId): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('wg_policies'), ${tenantId})`;
}

export async function insertGrant(
  sql: PlatformSql,
  grant: Reach & { tenantId: TenantId; id: string; name: string },
): Promise<Grant | undefined> {
  const [first, last] = grant.ports ?? [null, null];
  const [row] = await sql<GrantRow[]>`
    insert into wg_grants (tenant_id, id, name, network, protocol, port_from, port_to)
      values (${grant.tenantId}, ${grant.id}, ${grant.name}, ${grant.network}, ${grant.protocol}, ${first}, ${last})
      returning id, name, network::text, protocol, port_from, port_to, created_at`;
  return row && toGrant(row);
}

export async function readGrant(
  sql: PlatformSql,
  { tenantId, id }: { tenantId: TenantId; id: string },
): Promise<Grant | undefined> {
  const [row] = await sql<GrantRow[]>`
    select id, name, network::text, protocol, port_from, port_to, created_at from wg_grants
    where tenant_id = ${tenantId} and id = ${id}`;
  return row && toGrant(row);
}

/** @returns what was withdrawn; undefined where there is no such grant */
export async function deleteGrant(
  sql: PlatformSql,
  { tenantId, id }: { tenantId: TenantId; id: string },
): Promise<Grant | undefined> {
  const [row] = await sql<GrantRow[]>`
    delete from wg_grants where tenant_id = ${tenantId} and id = ${id}
      returning id, name, network::text, protocol, port_from, port_to, created_at`;
  return row && toGrant(row);
}

interface PolicyRow {
  version: number;
  peer_to_peer: boolean;
  updated_at: Date;
  services: (PortColumns & {
    name: string;
    peer_id: string;
    protocol: "tcp" | "udp";
    gateway: number;
  })[];
  routes: (PortColumns & { grant_id: string; network: string; protocol: Protocol })[];
  gateways: (GatewayOutcome & { concerns: boolean; home: boolean })[];
}

/**
 * Gateways that have the tenant's peers, or may have them yet: tombstones, and keys that have not been read back
 * gone. An enrolment peer is let beyond the API nowhere.
 */
function concerned(sql: TenantSql) {
  return sql`
    select interface_id, bool_or(home) as home from (
      select interface_id, deleted_at is null as home from wg_peers where kind = 'permanent'
      union all select interface_id, false from wg_retired_keys
    ) as having_peers group by 1`;
}

/** The tenant's policy, with what the daemon of each gateway says of this very version. */
export async function readPolicy(sql: TenantSql): Promise<PolicyView> {
  const [row] = await sql<PolicyRow[]>`
    select p.version::float8 as version, p.peer_to_peer, p.updated_at,
      coalesce((select jsonb_agg(to_jsonb(s) || jsonb_build_object('gateway', x.interface_id) order by s.position)
        from wg_policy_services s join wg_peers x on x.tenant_id = s.tenant_id and x.id = s.peer_id
        where s.tenant_id = p.tenant_id), '[]') as services,
      coalesce((select jsonb_agg(to_jsonb(r) order by r.position) from wg_policy_routes r
        where r.tenant_id = p.tenant_id), '[]') as routes,
      coalesce((select jsonb_agg(jsonb_build_object('gateway_id', i.id, 'name', i.name,
          'status', coalesce(o.state, 'pending'), 'error', o.error,
          'concerns', h.interface_id is not null, 'home', coalesce(h.home, false)) order by i.id)
        from wg_interfaces i left join (${concerned(sql)}) h on h.interface_id = i.id
        left join wg_policy_outcomes o
          on o.tenant_id = p.tenant_id and o.interface_id = i.id and o.version = p.version
        where h.interface_id is not null or o.interface_id is not null and i.retired_at is null), '[]') as gateways
    from wg_policies p`;
  if (!row) {
    // Closed is how every tenant begins, and needs nobody to put it in force.
    const nothing = { peer_to_peer: false, services: [], routes: [], updated_at: null };
    return { version: 0, status: "applied", error: null, gateways: [], warnings: [], ...nothing };
  }
  const those = row.gateways.filter(({ concerns }) => concerns);
  // A tenant without a peer anywhere: what any gateway says of it.
  const gateways = (those.length > 0 ? those : row.gateways).map((
    { gateway_id, name, status, error },
  ) => ({ gateway_id, name, status, error }));
  return {
    version: row.version,
    ...overall(gateways),
    gateways,
    warnings: unreached(
      { peerToPeer: row.peer_to_peer, services: row.services.map(({ gateway }) => gateway) },
      row.gateways.filter(({ home }) => home).map(({ gateway_id }) => gateway_id),
    ),
    peer_to_peer: row.peer_to_peer,
    services: row.services.map((service) => ({
      name: service.name,
      peer_id: service.peer_id,
      protocol: service.protocol,
      ports: formatPorts(portsOf(service)) ?? "",
    })),
    routes: row.routes.map((route) => ({
      grant_id: route.grant_id,
      network: route.network,
      protocol: route.protocol,
      ports: formatPorts(portsOf(route)),
    })),
    updated_at: row.updated_at.toISOString(),
  };
}

/** Whether the daemon of another gateway that concerns the tenant lives, and has yet to judge the policy. */
export async function policyWaitsElsewhere(
  sql: TenantSql,
  interfaceId: number,
): Promise<boolean> {
  const [row] = await sql<{ waits: boolean }[]>`
    select exists (
      select from wg_policies p cross join (${concerned(sql)}) h
        join wg_gateways_seen() g on g.interface_id = h.interface_id
        left join wg_policy_outcomes o on o.tenant_id = p.tenant_id and o.interface_id = h.interface_id
      where h.interface_id <> ${interfaceId} and o.version is distinct from p.version) as waits`;
  return row?.waits ?? false;
}

export interface NewPolicy {
  peerToPeer: boolean;
  services: readonly {
    name: string;
    peerId: string;
    protocol: "tcp" | "udp";
    ports: readonly [number, number];
  }[];
  routes: readonly (Reach & { grantId: string })[];
}

/** Puts a policy in the place of what was there. */
export async function writePolicy(
  sql: TenantSql,
  tenantId: TenantId,
  { peerToPeer, services, routes }: NewPolicy,
): Promise<void> {
  await sql`
    insert into wg_policies (tenant_id, peer_to_peer) values (${tenantId}, ${peerToPeer})
      on conflict (tenant_id) do update set peer_to_peer = excluded.peer_to_peer`;
  await sql`delete from wg_policy_services`;
  await sql`delete from wg_policy_routes`;
  const columns = (ports: Ports) => ({ from: ports?.[0] ?? null, to: ports?.[1] ?? null });
  await sql`
    insert into wg_policy_services (tenant_id, position, name, peer_id, protocol, port_from, port_to)
      select ${tenantId}, position, name, "peerId", protocol, "from", "to"
        from jsonb_to_recordset(${
    sql.json(
      services.map(({ ports, ...service }, at) => ({
        ...service,
        ...columns(ports),
        position: at + 1,
      })),
    )
  }::jsonb) as s (position smallint, name text, "peerId" uuid, protocol text, "from" integer, "to" integer)`;
  await sql`
    insert into wg_policy_routes (tenant_id, position, grant_id, network, protocol, port_from, port_to)
      select ${tenantId}, position, "grantId", network, protocol, "from", "to"
        from jsonb_to_recordset(${
    sql.json(
      routes.map(({ ports, ...route }, at) => ({ ...route, ...columns(ports), position: at + 1 })),
    )
  }::jsonb) as r (position smallint, "grantId" uuid, network cidr, protocol text, "from" integer, "to" integer)`;
}

/** Of these peers, those that may offer a service. */
export async function servingPeers(
  sql: TenantSql,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql<{ id: string }[]>`
    select id from wg_peers where kind = 'permanent' and deleted_at is null and id in (
      select jsonb_array_elements_text(${sql.json([...ids])}::jsonb)::uuid)`;
  return new Set(rows.map((row) => row.id));
}
