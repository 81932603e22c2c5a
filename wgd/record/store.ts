import type { ISql } from "postgres";
import type { Sql } from "../../db/connection.ts";
import type { DesiredPeer, PeerState, RetiredKey } from "../desired.ts";
import { dropOldReceipts, purgeKeys, purgePeers } from "./purge.ts";
import type { Receipt } from "./receipts.ts";

/** One row of `wg_peer_status` to be written. */
export interface StatusChange {
  readonly tenantId: number;
  readonly peerId: string;
  readonly generation: string;
  readonly state: PeerState;
  readonly error: string | null;
}

export interface AuditEntry {
  /** Null for what is of the interface, and so the operators' own affair. */
  readonly tenantId: number | null;
  readonly peerId: string | null;
  readonly action: "wireguard.drift_repaired" | "wireguard.peer_removed" | "wireguard.key_removed";
  readonly details: Record<string, string | readonly string[]>;
}

/** What one pass has to write; all of it commits together. */
export interface PassRecord {
  readonly statuses: readonly StatusChange[];
  /** Tombstones whose key was read back gone. */
  readonly peers: readonly DesiredPeer[];
  readonly retired: readonly RetiredKey[];
  /** Keys that an operator released, and which need that no more. */
  readonly released: readonly string[];
  /** Of those tombstones; one whose tombstone does not go with it is not written. */
  readonly receipts: readonly Receipt[];
  readonly audit: readonly AuditEntry[];
}

/** Writes what a pass has seen, in one transaction of a few statements however many peers there are. */
export async function writeRecord(
  sql: Sql,
  interfaceId: number,
  record: PassRecord,
): Promise<void> {
  const { statuses, peers, retired, released, receipts, audit } = record;
  const size = statuses.length + peers.length + retired.length + released.length + audit.length;
  if (size === 0) return;
  // One statement is whole by itself; a transaction around it would be two answers more to wait for.
  if (size === statuses.length) {
    await writeStatuses(sql, statuses);
    return;
  }
  await sql.begin((tx) => [
    ...(statuses.length > 0 ? [writeStatuses(tx, statuses)] : []),
    ...(peers.length > 0 ? [purgePeers(tx, peers, receipts)] : []),
    ...(retired.length > 0 ? [purgeKeys(tx, { interfaceId, retired, receipts })] : []),
    ...(receipts.length > 0 ? [dropOldReceipts(tx)] : []),
    ...(released.length > 0
      ? [tx`
        delete from wg_release_keys
          where interface_id = ${interfaceId} and public_key in (
            select jsonb_array_elements_text(${tx.json([...released])}::jsonb))`]
      : []),
    ...(audit.length > 0
      ? [tx`
        insert into audit_log (tenant_id, actor, action, outcome, target_type, target_id, peer_id, details)
          select t.id, 'daemon', action, 'succeeded',
            case when "peerId" is null then 'wg_interface' else 'wg_peer' end,
            coalesce("peerId", ${String(interfaceId)}), "peerId"::uuid, details
          from jsonb_to_recordset(${tx.json(audit.map((entry) => ({ ...entry })))}::jsonb)
            as entry ("tenantId" integer, "peerId" text, action text, details jsonb)
          -- Without a tenant of the operators' there is nobody to tell; the daemon's log has it.
          join tenants t on case when "tenantId" is null then t.is_platform else t.id = "tenantId" end`]
      : []),
  ]);
}

function writeStatuses(sql: ISql<Record<never, never>>, statuses: readonly StatusChange[]) {
  // A row that vanished meanwhile is left out; a status of an older row never replaces that of a newer one. As
  // arrays: of a JSON document PostgreSQL expects 100 elements, and reads all peers to find one.
  const column = <K extends keyof StatusChange>(name: K) => statuses.map((status) => status[name]);
  return sql`
    insert into wg_peer_status as s
        (tenant_id, peer_id, generation, state, error, changed_at)
      select p.tenant_id, p.id, seen.generation, seen.state, seen.error, now()
        from unnest(${column("tenantId")}::integer[], ${column("peerId")}::uuid[],
            ${column("generation")}::bigint[], ${column("state")}::text[], ${
    column("error")
  }::text[])
          as seen (tenant_id, peer_id, generation, state, error)
        join wg_peers p on p.tenant_id = seen.tenant_id and p.id = seen.peer_id
    on conflict (tenant_id, peer_id) do update set
        generation = excluded.generation, state = excluded.state, error = excluded.error,
        changed_at = case
          when (s.generation, s.state, s.error) is distinct from
            (excluded.generation, excluded.state, excluded.error) then excluded.changed_at
          else s.changed_at end
      where excluded.generation >= s.generation`;
}
