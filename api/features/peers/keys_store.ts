import type { TenantSql } from "../../database/tenancy.ts";

export interface NewKeys {
  id: string;
  publicKey: string;
  presharedKey: Uint8Array | null;
}

/**
 * Gives a peer that the caller has locked new keys, in the place of a successor that waits.
 * @param deadline until when the old key goes on beside them; null for not at all
 */
export async function putKeys(
  sql: TenantSql,
  keys: NewKeys,
  deadline: Date | null,
): Promise<void> {
  if (deadline) {
    await sql`
      update wg_peers set successor_public_key = ${keys.publicKey},
        successor_preshared_key = ${keys.presharedKey}, successor_deadline = ${deadline}
      where id = ${keys.id}`;
    return;
  }
  await sql`
    update wg_peers set public_key = ${keys.publicKey}, preshared_key = ${keys.presharedKey},
      successor_public_key = null, successor_preshared_key = null, successor_deadline = null
    where id = ${keys.id}`;
}

/** Locks those that are not being removed, in one order. */
export async function lockPeers(sql: TenantSql, ids: readonly string[]): Promise<void> {
  await sql`
    select from wg_peers where id = any (${[...ids]}::uuid[]) and deleted_at is null
    order by id for update`;
}

/** The same for peers that the caller has locked; files of the old keys that still wait are dropped. */
export async function replaceKeysOfMany(sql: TenantSql, keys: readonly NewKeys[]): Promise<void> {
  const rows = keys.map(({ id, publicKey, presharedKey }) => ({
    id,
    public_key: publicKey,
    preshared_key: presharedKey && `\\x${presharedKey.toHex()}`,
  }));
  await sql`
    with new as (
      select * from jsonb_to_recordset(${sql.json(rows)}::jsonb)
        as r (id uuid, public_key text, preshared_key bytea)
    ), gone as (
      delete from wg_deliveries d using new where d.peer_id = new.id
    )
    update wg_peers p set public_key = new.public_key, preshared_key = new.preshared_key,
      successor_public_key = null, successor_preshared_key = null, successor_deadline = null
    from new where p.id = new.id and p.deleted_at is null`;
}
