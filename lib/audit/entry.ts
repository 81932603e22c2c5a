import { canonicalText, sha256Hex } from "./canonical.ts";

/** An entry as both readers of the table select it; what a JavaScript number or date would round is text. */
export interface EntryRow {
  tenant_id: number;
  id: string;
  /** RFC 3339, UTC, with six digits of a second. */
  at: string;
  actor: string;
  actor_user_id: number | null;
  action: string;
  outcome: string;
  target_type: string | null;
  target_id: string | null;
  request_id: string | null;
  peer_id: string | null;
  address: string | null;
  /** JSON, as the database writes it. */
  details: string;
}

/** The bytes of an entry that are hashed, as text: every column of it, in the form of RFC 8785. */
export function canonicalEntry(row: EntryRow): string {
  const { action, actor, actor_user_id, address, at, details, id, outcome } = row;
  const { peer_id, request_id, target_id, target_type, tenant_id } = row;
  const head = JSON.stringify({ action, actor, actor_user_id, address, at });
  const tail = JSON.stringify({ outcome, peer_id, request_id, target_id, target_type, tenant_id });
  // The names stand in their order already, and a bigint's digits are its number.
  return `${head.slice(0, -1)},"details":${canonicalText(details)},"id":${id},${tail.slice(1)}`;
}

/** SHA-256 of the canonical bytes, in hex: what a link of the chain holds. */
export function hashEntry(row: EntryRow): string {
  return sha256Hex(canonicalEntry(row));
}
