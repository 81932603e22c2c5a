import type { Sql } from "../db/connection.ts";
import type { AddressPlan } from "../lib/address.ts";
import { presharedKeyRow, type Sealer, SealError } from "../lib/seal.ts";
import { Secret } from "../lib/secret.ts";
import { isWireGuardKey } from "../lib/wireguard_key.ts";

export type PeerState = "applied" | "removed" | "failed" | "held";

/** What `wg_peer_status` says of a peer. */
export interface RecordedStatus {
  readonly generation: string;
  readonly state: PeerState;
  readonly error: string | null;
  /** Seconds since the Unix epoch; 0 for never. */
  readonly lastHandshake: number;
}

/** One row of `wg_peers` as the daemon sees it. */
export interface DesiredPeer {
  readonly tenantId: number;
  readonly id: string;
  readonly publicKey: string;
  readonly address: string;
  readonly presharedKey: Secret<string> | null;
  /** A bigint, as text. */
  readonly generation: string;
  /** Enabled, not removed, its tenant and its owner active. Expiry is apart, because time passes by itself. */
  readonly active: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number | null;
  /** Removed: the row goes as soon as the key is proven gone. */
  readonly tombstone: boolean;
  /** Why it must not be applied, in plain words; null for a row in order. */
  readonly heldBecause: string | null;
  readonly status: RecordedStatus | null;
}

/** A key that its peer no longer uses; it goes as soon as it is proven gone. */
export interface RetiredKey {
  readonly tenantId: number;
  readonly peerId: string;
  readonly publicKey: string;
}

export interface DesiredState {
  readonly peers: readonly DesiredPeer[];
  readonly retired: readonly RetiredKey[];
}

/** True when the peer belongs on the interface at this time (milliseconds since the Unix epoch). */
export function isWanted(peer: DesiredPeer, now: number): boolean {
  return peer.active && (peer.expiresAt === null || peer.expiresAt > now);
}

interface Row {
  retired: boolean;
  tenant_id: number;
  id: string;
  public_key: string;
  preshared_key: Uint8Array | null;
  address: string | null;
  is_host: boolean | null;
  active: boolean | null;
  expires_at: number | null;
  tombstone: boolean | null;
  generation: string | null;
  status_generation: string | null;
  state: PeerState | null;
  error: string | null;
  last_handshake: number | null;
}

export interface DesiredStore {
  /** All rows of the interface, or those of some peers, retired keys included; one snapshot. */
  read(sql: Sql, peerIds?: readonly string[]): Promise<DesiredState>;
}

interface OpenedKey {
  sealed: Uint8Array;
  publicKey: string;
  value: Secret<string> | null;
}

/** @param sealer opens preshared keys */
export function createDesiredStore(
  { interfaceId, plan, sealer }: { interfaceId: number; plan: AddressPlan; sealer: Sealer },
): DesiredStore {
  // Opening 10,000 preshared keys takes a good part of a second; most are the same as last time.
  let opened = new Map<string, OpenedKey>();

  async function open(row: Row, sealed: Uint8Array): Promise<OpenedKey> {
    const before = opened.get(row.id);
    if (before && before.publicKey === row.public_key && sameBytes(before.sealed, sealed)) {
      return before;
    }
    const place = presharedKeyRow({
      tenantId: row.tenant_id,
      peerId: row.id,
      publicKey: row.public_key,
    });
    return { sealed, publicKey: row.public_key, value: await openKey(sealer, sealed, place) };
  }

  async function toPeer(row: Row, keep: Map<string, OpenedKey>): Promise<DesiredPeer> {
    const address = row.address ?? "";
    const sealed = row.preshared_key;
    const psk = sealed === null ? null : await open(row, sealed);
    if (psk) keep.set(row.id, psk);
    return {
      tenantId: row.tenant_id,
      id: row.id,
      publicKey: row.public_key,
      address,
      presharedKey: psk?.value ?? null,
      generation: row.generation ?? "0",
      active: row.active === true,
      expiresAt: row.expires_at === null || row.expires_at === Infinity ? null : row.expires_at,
      tombstone: row.tombstone === true,
      heldBecause: !row.is_host || !plan.isPeerAddress(address)
        ? "its address is not one that a peer of this network may hold"
        : !isWireGuardKey(row.public_key)
        ? "its public key is not a WireGuard key"
        : psk && !psk.value
        ? "its preshared key cannot be opened with the key of this gateway"
        : null,
      status: row.state === null ? null : {
        generation: row.status_generation ?? "0",
        state: row.state,
        error: row.error,
        lastHandshake: row.last_handshake ?? 0,
      },
    };
  }

  return {
    async read(sql, peerIds) {
      const rows = await readRows(sql, interfaceId, peerIds);
      const keep = peerIds ? opened : new Map<string, OpenedKey>();
      const peers: DesiredPeer[] = [];
      const retired: RetiredKey[] = [];
      for (const row of rows) {
        if (row.retired) {
          retired.push({ tenantId: row.tenant_id, peerId: row.id, publicKey: row.public_key });
        } else peers.push(await toPeer(row, keep));
      }
      opened = keep;
      return { peers, retired };
    },
  };
}

async function readRows(
  sql: Sql,
  interfaceId: number,
  peerIds: readonly string[] | undefined,
): Promise<Row[]> {
  const ids = peerIds &&
    sql`(select jsonb_array_elements_text(${sql.json([...peerIds])}::jsonb)::uuid)`;
  // One statement, so that a rotated key is never seen gone from its row and not yet retired.
  return await sql<Row[]>`
    select false as retired, p.tenant_id, p.id, p.public_key, p.preshared_key,
        host(p.address) as address, masklen(p.address) = 32 as is_host,
        p.enabled and p.deleted_at is null and t.status = 'active'
          and (p.user_id is null or coalesce(u.status = 'active', false)) as active,
        (extract(epoch from p.expires_at) * 1000)::float8 as expires_at,
        p.deleted_at is not null as tombstone, p.generation::text as generation,
        s.generation::text as status_generation, s.state, s.error,
        floor(extract(epoch from s.last_handshake_at))::float8 as last_handshake
      from wg_peers p
      join tenants t on t.id = p.tenant_id
      left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
      left join wg_peer_status s on s.tenant_id = p.tenant_id and s.peer_id = p.id
      where p.interface_id = ${interfaceId} ${ids ? sql`and p.id in ${ids}` : sql``}
    union all
    select true, r.tenant_id, r.peer_id, r.public_key, null, null, null, null, null, null, null, null,
        null, null, null
      from wg_retired_keys r
      where r.interface_id = ${interfaceId} ${ids ? sql`and r.peer_id in ${ids}` : sql``}`;
}

async function openKey(
  sealer: Sealer,
  sealed: Uint8Array,
  place: string,
): Promise<Secret<string> | null> {
  try {
    const text = new TextDecoder().decode(await sealer.open(sealed, place));
    return isWireGuardKey(text) ? new Secret(text) : null;
  } catch (error) {
    if (error instanceof SealError) return null;
    throw error;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
