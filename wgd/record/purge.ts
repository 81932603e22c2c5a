import type { TransactionSql } from "postgres";
import type { DesiredPeer, RetiredKey } from "../desired.ts";
import type { Receipt } from "./receipts.ts";

/** Deletes tombstones, and leaves a receipt for each that went. */
export function purgePeers(
  sql: TransactionSql,
  peers: readonly DesiredPeer[],
  receipts: readonly Receipt[],
) {
  return sql`
    with purged as (
      delete from wg_peers p
        using unnest(${peers.map((peer) => peer.tenantId)}::integer[],
            ${peers.map((peer) => peer.id)}::uuid[]) as gone (tenant_id, id)
        where p.tenant_id = gone.tenant_id and p.id = gone.id and p.deleted_at is not null
        returning p.tenant_id, p.id, p.public_key
    )
    ${insertReceipts(sql, receipts, "peer")}
      join purged on purged.tenant_id = r."tenantId" and purged.id = r."peerId"
        and purged.public_key = r."publicKey"`;
}

/** The same for keys that a peer had before. */
export function purgeKeys(
  sql: TransactionSql,
  { interfaceId, retired, receipts }: {
    interfaceId: number;
    retired: readonly RetiredKey[];
    receipts: readonly Receipt[];
  },
) {
  return sql`
    with purged as (
      delete from wg_retired_keys
        where interface_id = ${interfaceId} and public_key in (
          select jsonb_array_elements_text(${sql.json(retired.map((key) => key.publicKey))}::jsonb))
        returning public_key
    )
    ${insertReceipts(sql, receipts, "key")} join purged on purged.public_key = r."publicKey"`;
}

function insertReceipts(
  sql: TransactionSql,
  receipts: readonly Receipt[],
  what: Receipt["what"],
) {
  const rows = receipts.filter((receipt) => receipt.what === what).map((
    { readBackAt, signature, ...facts },
  ) => ({
    ...facts,
    readBackAt: readBackAt.toISOString(),
    signature: `\\x${signature.toHex()}`,
  }));
  return sql`
    insert into wg_receipts (tenant_id, peer_id, interface_id, what, public_key, gateway_key, read_back_at,
        receipt_key, signature)
      select r."tenantId", r."peerId", r."interfaceId", r.what, r."publicKey", r."gatewayKey",
          r."readBackAt", r."receiptKey", r.signature
        from jsonb_to_recordset(${sql.json(rows)}::jsonb) as r ("tenantId" integer, "peerId" uuid,
          "interfaceId" smallint, what text, "publicKey" text, "gatewayKey" text, "readBackAt" timestamptz,
          "receiptKey" text, signature bytea)`;
}

/** Receipts are kept for 400 days, which row-level security sees to; a few more go with each that comes. */
export function dropOldReceipts(sql: TransactionSql) {
  return sql`
    delete from wg_receipts where (tenant_id, id) in (
      select tenant_id, id from wg_receipts
        where read_back_at < now() - interval '400 days' order by read_back_at limit 1000)`;
}
