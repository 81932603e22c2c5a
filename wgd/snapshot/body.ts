import { z } from "zod";
import type { AddressPlan } from "../../lib/address.ts";
import { Secret } from "../../lib/secret.ts";
import {
  allowedIpsOf,
  type DesiredPeer,
  type DesiredState,
  isWanted,
  promoted,
} from "../desired.ts";
import type { DesiredTable } from "../desired/table.ts";

/** Times in a snapshot, in milliseconds since the Unix epoch. */
export interface SnapshotTimes {
  readonly writtenAt: number;
  /** Whoever expired by then stays expired, whatever the clock says later. */
  readonly highestTime: number;
}

/** What a snapshot remembers. A peer is active where it was wanted at the highest time. */
export interface SnapshotBody extends DesiredState, SnapshotTimes {
  /** Keys whose rows had vanished, with the ids of those rows. */
  readonly held: readonly [publicKey: string, peerId: string][];
}

const peerSchema = z.tuple([
  z.number(), // tenant
  z.string(),
  z.string(),
  z.string(),
  z.string().nullable(), // preshared key
  z.string(),
  z.boolean(),
  z.number().nullable(),
  z.string().nullable(),
  z.tuple([z.string(), z.string().nullable(), z.number(), z.string().nullable()]).nullable(),
]);
const bodySchema = z.object({
  writtenAt: z.number(),
  highestTime: z.number(),
  peers: z.array(peerSchema),
  retired: z.array(z.tuple([z.number(), z.string(), z.string()])),
  held: z.array(z.tuple([z.string(), z.string()])),
});

/** The table as bytes, with its secrets in the clear: they are sealed as a whole. */
export function encodeBody(
  table: DesiredTable,
  { writtenAt, highestTime }: SnapshotTimes,
): Uint8Array<ArrayBuffer> {
  const body: z.infer<typeof bodySchema> = {
    writtenAt,
    highestTime,
    peers: Array.from(table.peers.values(), (peer) => [
      peer.tenantId,
      peer.id,
      peer.publicKey,
      peer.address,
      peer.presharedKey?.reveal() ?? null,
      peer.generation,
      isWanted(peer, highestTime),
      peer.expiresAt,
      peer.heldBecause,
      peer.successor && [
        peer.successor.publicKey,
        peer.successor.presharedKey?.reveal() ?? null,
        peer.successor.deadline,
        peer.successor.heldBecause,
      ],
    ]),
    retired: Array.from(
      table.retired.values(),
      (key) => [key.tenantId, key.peerId, key.publicKey],
    ),
    held: [...table.heldKeys()],
  };
  return new TextEncoder().encode(JSON.stringify(body));
}

/**
 * @param options.struck keys that were noted as gone since: nothing is remembered of them
 * @throws where the bytes are not those of {@link encodeBody}
 */
export function decodeBody(
  bytes: Uint8Array,
  { plan, struck }: { plan: AddressPlan; struck: ReadonlySet<string> },
): SnapshotBody {
  const body = bodySchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  return {
    writtenAt: body.writtenAt,
    highestTime: body.highestTime,
    peers: body.peers.map((row) => withoutStruck(toPeer(row, plan), struck))
      .filter((peer) => peer !== null),
    retired: body.retired.filter(([, , publicKey]) => !struck.has(publicKey))
      .map(([tenantId, peerId, publicKey]) => ({ tenantId, peerId, publicKey })),
    held: body.held.filter(([publicKey]) => !struck.has(publicKey)),
  };
}

function toPeer(row: z.infer<typeof peerSchema>, plan: AddressPlan): DesiredPeer {
  const [tenantId, id, publicKey, address, psk, generation, active, expiresAt, heldBecause, next] =
    row;
  return {
    tenantId,
    id,
    publicKey,
    address,
    allowedIps: allowedIpsOf(plan, address),
    presharedKey: psk === null ? null : new Secret(psk),
    successor: next && {
      publicKey: next[0],
      presharedKey: next[1] === null ? null : new Secret(next[1]),
      deadline: next[2],
      heldBecause: next[3],
    },
    generation,
    active,
    expiresAt,
    tombstone: false,
    heldBecause,
    status: null,
  };
}

/** The peer without keys that were noted as gone: of a key that a successor has taken over from, that one is left. */
function withoutStruck(peer: DesiredPeer, struck: ReadonlySet<string>): DesiredPeer | null {
  const left = peer.successor && struck.has(peer.successor.publicKey)
    ? { ...peer, successor: null }
    : peer;
  return struck.has(peer.publicKey) ? promoted(left) : left;
}
