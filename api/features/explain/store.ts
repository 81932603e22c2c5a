import type { TenantSql } from "../../database/tenancy.ts";

export interface ReceiptRow {
  id: string;
  tenant_id: number;
  peer_id: string;
  interface_id: number;
  what: "peer" | "key";
  public_key: string;
  gateway_key: string;
  read_back_at: Date;
  receipt_key: string;
  is_current_key: boolean;
  signature: Uint8Array;
}

/** Newest first. */
export async function listReceipts(
  sql: TenantSql,
  page: { peerId: string | null; before: string | null; limit: number },
): Promise<ReceiptRow[]> {
  return await sql<ReceiptRow[]>`
    select r.id::text, r.tenant_id, r.peer_id, r.interface_id, r.what, r.public_key, r.gateway_key,
      r.read_back_at, r.receipt_key, coalesce(r.receipt_key = i.receipt_key, false) as is_current_key,
      r.signature
    from wg_receipts r join wg_interfaces i on i.id = r.interface_id
    where (${page.peerId}::uuid is null or r.peer_id = ${page.peerId})
      and (${page.before}::bigint is null or r.id < ${page.before})
    order by r.id desc limit ${page.limit}`;
}

export interface ExplainedRow {
  name: string;
  kind: "permanent" | "enrolment";
  user_id: number | null;
  public_key: string;
  has_preshared_key: boolean;
  successor_public_key: string | null;
  successor_deadline: Date | null;
  address: string;
  address6: string | null;
  enabled: boolean;
  removed_at: Date | null;
  expires_at: Date | null;
  expired: boolean;
  owner_active: boolean;
  tenant_active: boolean;
  generation: string;
  state: "applied" | "removed" | "failed" | "held" | null;
  state_generation: string | null;
  error: string | null;
  changed_at: Date | null;
  last_handshake_at: Date | null;
}

/** What the row of a peer wants, and what the daemon wrote down of it; undefined where there is no row. */
export async function readExplained(
  sql: TenantSql,
  id: string,
  now: Date,
): Promise<ExplainedRow | undefined> {
  const [row] = await sql<ExplainedRow[]>`
    select p.name, p.kind, p.user_id, p.public_key, p.preshared_key is not null as has_preshared_key,
      p.successor_public_key, p.successor_deadline,
      host(p.address) as address, host(wg_address6(p.address, i.network, i.network6)) as address6,
      p.enabled, p.deleted_at as removed_at, p.expires_at,
      coalesce(p.expires_at <= ${now}, false) as expired, coalesce(u.status = 'active', true) as owner_active,
      t.status = 'active' as tenant_active, p.generation::text, s.state,
      s.generation::text as state_generation, s.error, s.changed_at, f.last_handshake_at
    from wg_peers p
    join wg_interfaces i on i.id = p.interface_id
    join tenants t on t.id = p.tenant_id
    left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
    left join wg_peer_status s on s.tenant_id = p.tenant_id and s.peer_id = p.id
    left join wg_peer_traffic f on f.tenant_id = p.tenant_id and f.peer_id = p.id
    where p.id = ${id}`;
  return row;
}

export interface OpeningsRow {
  peer_to_peer: boolean;
  /** What the daemon said of this very version; null where it has not yet. */
  state: "applied" | "rejected" | null;
  error: string | null;
  services: { peer: string; gateway: number; protocol: string; from: number; to: number }[];
  routes: { network: string; protocol: string; from: number | null; to: number | null }[];
}

/** What the tenant opened beyond the API for its peers on this gateway; undefined where it never did. */
export async function readOpenings(
  sql: TenantSql,
  gatewayId: number,
): Promise<OpeningsRow | undefined> {
  const [row] = await sql<OpeningsRow[]>`
    select p.peer_to_peer, s.state, s.error,
      coalesce((select jsonb_agg(jsonb_build_object(
          'peer', x.name, 'gateway', x.interface_id, 'protocol', e.protocol, 'from', e.port_from, 'to', e.port_to) order by e.position)
        from wg_policy_services e join wg_peers x on x.tenant_id = e.tenant_id and x.id = e.peer_id), '[]')
        as services,
      coalesce((select jsonb_agg(jsonb_build_object(
          'network', e.network, 'protocol', e.protocol, 'from', e.port_from, 'to', e.port_to) order by e.position)
        from wg_policy_routes e), '[]') as routes
    from wg_policies p
    left join wg_policy_outcomes s
      on s.tenant_id = p.tenant_id and s.interface_id = ${gatewayId} and s.version = p.version`;
  return row;
}
