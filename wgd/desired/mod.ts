import type { Sql } from "../../db/connection.ts";
import type { AddressPlan } from "../../lib/address.ts";
import { chunks } from "../../lib/chunks.ts";
import { presharedKeyRow, type Sealer, SealError } from "../../lib/seal.ts";
import { sealedUnder } from "../../lib/seal_ring.ts";
import { Secret } from "../../lib/secret.ts";
import { isWireGuardKey } from "../../lib/wireguard_key.ts";
import {
  allowedIpsOf,
  type DesiredPeer,
  type DesiredState,
  peerKeys,
  type RetiredKey,
  type Successor,
} from "../desired.ts";
import {
  type Digests,
  readDigests,
  readReleased,
  readRows,
  type Row,
  sliceOf,
  unknownDigest,
} from "./store.ts";

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

/** Preshared keys that are opened at once: one after the other, ten thousand wait more than a second for threads to wake. */
export const openedAtOnce = 100;

interface OpenedKey {
  peerId: string;
  sealed: Uint8Array;
  /** Null where it does not open. */
  value: Secret<string> | null;
}

/** @param sealer opens preshared keys */
export function createDesiredStore(
  { interfaceId, plan, sealer }: { interfaceId: number; plan: AddressPlan; sealer: Sealer },
): DesiredStore {
  // Opening 10,000 preshared keys takes a good part of a second; most are the same as last time.
  const opened = new Map<string, OpenedKey>();

  async function open(
    row: Row,
    { publicKey, sealed }: { publicKey: string; sealed: Uint8Array | null },
  ): Promise<OpenedKey | null> {
    const before = opened.get(publicKey);
    if (sealed && before?.peerId === row.id && sameBytes(before.sealed, sealed)) return before;
    opened.delete(publicKey);
    if (!sealed) return null;
    const place = presharedKeyRow({ tenantId: row.tenant_id, peerId: row.id, publicKey });
    const found = { peerId: row.id, sealed, value: await openKey(sealer, sealed, place) };
    opened.set(publicKey, found);
    return found;
  }

  async function toSuccessor(row: Row): Promise<Successor | null> {
    const { successor_public_key: publicKey, successor_preshared_key: sealed } = row;
    if (publicKey === null) return null;
    const psk = await open(row, { publicKey, sealed });
    return {
      publicKey,
      presharedKey: psk?.value ?? null,
      deadline: row.successor_deadline ?? 0,
      heldBecause: whyHeld(publicKey, psk, "its successor's"),
    };
  }

  async function toPeer(row: Row, askedAt: number): Promise<DesiredPeer> {
    const address = row.address ?? "";
    const psk = await open(row, { publicKey: row.public_key, sealed: row.preshared_key });
    return {
      tenantId: row.tenant_id,
      id: row.id,
      publicKey: row.public_key,
      address,
      allowedIps: allowedIpsOf(plan, address),
      presharedKey: psk?.value ?? null,
      successor: await toSuccessor(row),
      generation: row.generation ?? "0",
      active: row.active === true,
      expiresAt: row.expires_at === null || row.expires_at === Infinity ? null : row.expires_at,
      tombstone: row.tombstone === true,
      heldBecause: !row.is_host || !plan.isPeerAddress(address)
        ? "its address is not one that a peer of this network may hold"
        : whyHeld(row.public_key, psk, "its"),
      status: row.state === null ? null : {
        generation: row.status_generation ?? "0",
        state: row.state,
        error: row.error,
      },
      changedAt: askedAt - (row.changed_ago ?? 0),
      permanent: row.permanent === true,
    };
  }

  /** @param read.askedAt before the rows were asked for, by the monotonic clock */
  async function toState(
    { rows, askedAt }: { rows: readonly Row[]; askedAt: number },
    covers: (id: string) => boolean,
  ) {
    const peers: DesiredPeer[] = [];
    const retired: RetiredKey[] = [];
    const keys = new Set<string>();
    const current: Row[] = [];
    for (const row of rows) {
      if (!row.retired) current.push(row);
      else retired.push({ tenantId: row.tenant_id, peerId: row.id, publicKey: row.public_key });
    }
    for (const part of chunks(current, openedAtOnce)) {
      peers.push(...await Promise.all(part.map((row) => toPeer(row, askedAt))));
    }
    for (const peer of peers) for (const publicKey of peerKeys(peer)) keys.add(publicKey);
    for (const [publicKey, { peerId }] of opened) {
      if (covers(peerId) && !keys.has(publicKey)) opened.delete(publicKey);
    }
    return { peers, retired };
  }

  return {
    async read(sql, peerIds) {
      const asked = new Set(peerIds);
      const askedAt = performance.now();
      const rows = await readRows(sql, interfaceId, { peerIds });
      return await toState({ rows, askedAt }, (id) => asked.has(id));
    },
    async readAll(sql, known) {
      // Where peers were read by their ids meanwhile, their slices are read again, whatever the digests are.
      const mayBeSame = known && ![...known.values()].includes(unknownDigest);
      const [released, found] = await Promise.all([
        readReleased(sql, interfaceId),
        mayBeSame ? readDigests(sql, interfaceId) : undefined,
      ]);
      if (known && found && differing(known, found).size === 0) {
        return { digests: found, slices: new Set(), state: { peers: [], retired: [] }, released };
      }
      // Digests and rows of one moment: a key that goes from one peer to another changes two slices.
      const [digests, slices, read] = await sql.begin(
        "isolation level repeatable read read only",
        async (tx) => {
          const digests = await readDigests(tx, interfaceId);
          const slices = known ? differing(known, digests) : "all";
          const askedAt = performance.now();
          const rows = await readRows(tx, interfaceId, slices === "all" ? {} : { slices });
          return [digests, slices, { rows, askedAt }] as const;
        },
      );
      const state = await toState(read, (id) => slices === "all" || slices.has(sliceOf(id)));
      return { digests, slices, state, released };
    },
  };
}

function differing(before: Digests, after: Digests): Set<number> {
  const slices = new Set([...before.keys(), ...after.keys()]);
  for (const slice of slices) if (before.get(slice) === after.get(slice)) slices.delete(slice);
  return slices;
}

function whyHeld(publicKey: string, psk: OpenedKey | null, whose: string): string | null {
  if (!isWireGuardKey(publicKey)) return `${whose} public key is not a WireGuard key`;
  if (!psk || psk.value) return null;
  return `${whose} preshared key cannot be opened with the keys of this gateway: it is sealed under ${
    sealedUnder(psk.sealed)
  }`;
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
