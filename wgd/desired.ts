import type { ISql } from "postgres";
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
}

/** One row of `wg_peers` as the daemon sees it. */
export interface DesiredPeer {
  readonly tenantId: number;
  readonly id: string;
  readonly publicKey: string;
  readonly address: string;
  /** What the gateway routes to it: its own addresses, IPv4 first. */
  readonly allowedIps: readonly string[];
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
  /** Not for enrolment alone, so that its tenant's policy holds for it. */
  readonly permanent?: boolean;
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

/** What the gateway routes to the peer with this address. */
export function allowedIpsOf(plan: AddressPlan, address: string): string[] {
  const address6 = plan.address6(address);
  return [`${address}/32`, ...(address6 === null ? [] : [`${address6}/128`])];
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
  permanent: boolean | null;
}

/** By slice ({@link sliceOf}), a digest of all that the database says of its peers, as text. */
export type Digests = ReadonlyMap<number, string>;

/** All rows, as far as they are not the same as at an earlier read. */
export interface DesiredChanges {
  readonly digests: Digests;
  /** The slices that `state` holds completely; those not named are as they were. */
  readonly slices: ReadonlySet<number> | "all";
  readonly state: DesiredState;
  /** Keys that may go though nothing explains them, because an operator decided so. */
  readonly released: readonly string[];
}

export interface DesiredStore {
  /** The rows of some peers, retired keys included; one snapshot. */
  read(sql: Sql, peerIds: readonly string[]): Promise<DesiredState>;
  /**
   * All rows of the interface. The database compares them with those of an earlier read, because reading 10,000
   * rows takes longer than everything else in a pass that finds nothing to do.
   */
  readAll(sql: Sql, known?: Digests): Promise<DesiredChanges>;
}

/** Which of 256 slices a peer's rows belong to: the last byte of its id, which is random in a UUIDv7, too. */
export function sliceOf(peerId: string): number {
  return Number.parseInt(peerId.slice(-2), 16);
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
  const opened = new Map<string, OpenedKey>();

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

  async function toPeer(row: Row): Promise<DesiredPeer> {
    const address = row.address ?? "";
    const sealed = row.preshared_key;
    const psk = sealed === null ? null : await open(row, sealed);
    if (psk) opened.set(row.id, psk);
    else opened.delete(row.id);
    return {
      tenantId: row.tenant_id,
      id: row.id,
      publicKey: row.public_key,
      address,
      allowedIps: allowedIpsOf(plan, address),
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
      },
      permanent: row.permanent === true,
    };
  }

  async function toState(rows: readonly Row[], covers: (id: string) => boolean) {
    const peers: DesiredPeer[] = [];
    const retired: RetiredKey[] = [];
    const gone = new Set([...opened.keys()].filter(covers));
    for (const row of rows) {
      if (row.retired) {
        retired.push({ tenantId: row.tenant_id, peerId: row.id, publicKey: row.public_key });
      } else {
        peers.push(await toPeer(row));
        gone.delete(row.id);
      }
    }
    for (const id of gone) opened.delete(id);
    return { peers, retired };
  }

  return {
    async read(sql, peerIds) {
      const asked = new Set(peerIds);
      return await toState(await readRows(sql, interfaceId, { peerIds }), (id) => asked.has(id));
    },
    async readAll(sql, known) {
      const released = await readReleased(sql, interfaceId);
      if (known) {
        const digests = await readDigests(sql, interfaceId);
        if (differing(known, digests).size === 0) {
          return { digests, slices: new Set(), state: { peers: [], retired: [] }, released };
        }
      }
      // Digests and rows of one moment: a key that goes from one peer to another changes two slices.
      const [digests, slices, rows] = await sql.begin(
        "isolation level repeatable read read only",
        async (tx) => {
          const digests = await readDigests(tx, interfaceId);
          const slices = known ? differing(known, digests) : "all";
          const rows = await readRows(tx, interfaceId, slices === "all" ? {} : { slices });
          return [digests, slices, rows] as const;
        },
      );
      const state = await toState(rows, (id) => slices === "all" || slices.has(sliceOf(id)));
      return { digests, slices, state, released };
    },
  };
}

function differing(before: Digests, after: Digests): Set<number> {
  const slices = new Set([...before.keys(), ...after.keys()]);
  for (const slice of slices) if (before.get(slice) === after.get(slice)) slices.delete(slice);
  return slices;
}

async function readDigests(sql: Queries, interfaceId: number): Promise<Digests> {
  // Every column that decides over a peer, so that a change is seen past every trigger, too. What the daemon
  // itself writes (wg_peer_status) it knows already.
  const rows = await sql<{ slice: number; digest: string }[]>`
    select slice, bit_xor(digest)::text as digest from (
      select get_byte(uuid_send(p.id), 15) as slice,
          hash_record_extended(row(p.tenant_id, p.id, p.user_id, p.public_key, p.preshared_key, p.address,
            p.enabled, p.expires_at, p.deleted_at, p.generation, p.kind, t.status, u.status), 0) as digest
        from wg_peers p
        join tenants t on t.id = p.tenant_id
        left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
        where p.interface_id = ${interfaceId}
      union all
      select get_byte(uuid_send(r.peer_id), 15),
          hash_record_extended(row(r.tenant_id, r.peer_id, r.public_key), 1)
        from wg_retired_keys r
        where r.interface_id = ${interfaceId}
    ) as found group by slice`;
  return new Map(rows.map(({ slice, digest }) => [slice, digest]));
}

async function readReleased(sql: Queries, interfaceId: number): Promise<string[]> {
  const rows = await sql<{ public_key: string }[]>`
    select public_key from wg_release_keys where interface_id = ${interfaceId}`;
  return rows.map((row) => row.public_key);
}

async function readRows(
  sql: Queries,
  interfaceId: number,
  only: { peerIds?: readonly string[]; slices?: ReadonlySet<number> },
): Promise<Row[]> {
  const filter = (id: PostgresColumn) =>
    only.peerIds
      ? sql`and ${sql(id)} in (
          select jsonb_array_elements_text(${sql.json([...only.peerIds])}::jsonb)::uuid)`
      : only.slices
      ? sql`and get_byte(uuid_send(${sql(id)}), 15) in (
          select jsonb_array_elements_text(${sql.json([...only.slices])}::jsonb)::int)`
      : sql``;
  // One statement, so that a rotated key is never seen gone from its row and not yet retired.
  return await sql<Row[]>`
    select false as retired, p.tenant_id, p.id, p.public_key, p.preshared_key,
        host(p.address) as address, masklen(p.address) = 32 as is_host,
        p.enabled and p.deleted_at is null and t.status = 'active'
          and (p.user_id is null or coalesce(u.status = 'active', false)) as active,
        (extract(epoch from p.expires_at) * 1000)::float8 as expires_at,
        p.deleted_at is not null as tombstone, p.generation::text as generation,
        s.generation::text as status_generation, s.state, s.error, p.kind = 'permanent' as permanent
      from wg_peers p
      join tenants t on t.id = p.tenant_id
      left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
      left join wg_peer_status s on s.tenant_id = p.tenant_id and s.peer_id = p.id
      where p.interface_id = ${interfaceId} ${filter("p.id")}
    union all
    select true, r.tenant_id, r.peer_id, r.public_key, null, null, null, null, null, null, null, null,
        null, null, null
      from wg_retired_keys r
      where r.interface_id = ${interfaceId} ${filter("r.peer_id")}`;
}

type Queries = ISql<Record<never, never>>;
type PostgresColumn = "p.id" | "r.peer_id";

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
