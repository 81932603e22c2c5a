import type { TenantSql } from "../../database/tenancy.ts";

/** Puts a file up for delivery; whoever gave the peer new keys has dropped one that waited. */
export async function insertDelivery(
  sql: TenantSql,
  delivery: {
    tenantId: number;
    peerId: string;
    digest: Uint8Array;
    sealedConfig: Uint8Array;
    at: Date;
    expiresAt: Date;
  },
): Promise<void> {
  await sql`
    insert into wg_deliveries (tenant_id, token_digest, peer_id, sealed_config, created_at, expires_at)
    values (${delivery.tenantId}, ${delivery.digest}, ${delivery.peerId}, ${delivery.sealedConfig},
      ${delivery.at}, ${delivery.expiresAt})`;
}

/**
 * Takes a delivery out, so that of many who ask at once only one gets it. For a peer that is being removed, or
 * whose owner or tenant is not active, there is none.
 */
export async function takeDelivery(
  sql: TenantSql,
  by: { digest: Uint8Array; now: Date },
): Promise<{ peer_id: string; sealed_config: Uint8Array<ArrayBuffer> } | undefined> {
  const [row] = await sql<{ peer_id: string; sealed_config: Uint8Array<ArrayBuffer> }[]>`
    delete from wg_deliveries d using wg_peers p, tenants t
    where d.token_digest = ${by.digest} and d.expires_at > ${by.now}
      and p.tenant_id = d.tenant_id and p.id = d.peer_id and p.deleted_at is null
      and t.id = d.tenant_id and t.status = 'active'
      and (p.user_id is null or exists (select from users u
        where u.tenant_id = p.tenant_id and u.id = p.user_id and u.status = 'active'))
    returning d.peer_id, d.sealed_config`;
  return row;
}

/** Forgets a peer's waiting file: it does not fit the peer any more. */
export async function dropDeliveries(sql: TenantSql, peerId: string): Promise<void> {
  await sql`delete from wg_deliveries where peer_id = ${peerId}`;
}

/** Erases what nobody fetched in time. */
export function eraseExpired(sql: TenantSql, at: Date) {
  return sql`delete from wg_deliveries where expires_at <= ${at}`;
}

/** How long an enrolment peer stays once it has served: the answer still has to travel through it. */
export const farewellMs = 30_000;

/** Ends an enrolment peer soon, leaving the answer under way the time to arrive through it. */
export async function endEnrolment(
  sql: TenantSql,
  peer: { id: string; at: Date },
): Promise<void> {
  await sql`
    update wg_peers set expires_at = least(expires_at, ${peer.at})
    where id = ${peer.id} and kind = 'enrolment'`;
}
