import type { AddressPlan } from "../lib/address.ts";
import type { Secret } from "../lib/secret.ts";

export type PeerState = "applied" | "removed" | "failed" | "held";

/** What `wg_peer_status` says of a peer. */
export interface RecordedStatus {
  readonly generation: string;
  readonly state: PeerState;
  readonly error: string | null;
}

/** The key that takes over from a peer's present one with its first handshake, or at the deadline. */
export interface Successor {
  readonly publicKey: string;
  readonly presharedKey: Secret<string> | null;
  /** Milliseconds since the Unix epoch. */
  readonly deadline: number;
  /** Why it must not be applied, in plain words. */
  readonly heldBecause: string | null;
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
  /** Stands on the interface, too, but without allowed IPs. */
  readonly successor: Successor | null;
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
  /**
   * When the change that made this generation was written at the earliest, by the monotonic clock of this process;
   * the commit came after it. Not known of what a snapshot remembers.
   */
  readonly changedAt?: number;
  /** Not for enrolment alone, so that its tenant's policy holds for it. */
  readonly permanent?: boolean;
}

/** A key that its peer no longer uses; it goes as soon as it is proven gone. */
export interface RetiredKey {
  readonly tenantId: number;
  readonly peerId: string;
  readonly publicKey: string;
}

/** Rows and retired keys: of an interface, or what one pass is about. */
export interface DesiredState {
  readonly peers: readonly DesiredPeer[];
  readonly retired: readonly RetiredKey[];
}

/** What the gateway routes to the peer with this address. */
export function allowedIpsOf(plan: AddressPlan, address: string): string[] {
  const address6 = plan.address6(address);
  return [`${address}/32`, ...(address6 === null ? [] : [`${address6}/128`])];
}

/** Every key of the peer that may be on the interface. */
export function peerKeys({ publicKey, successor }: DesiredPeer): string[] {
  return successor ? [publicKey, successor.publicKey] : [publicKey];
}

/** The peer once its successor has taken over; null where there is none. */
export function promoted(peer: DesiredPeer): DesiredPeer | null {
  const { successor } = peer;
  if (!successor) return null;
  const { publicKey, presharedKey } = successor;
  const heldBecause = successor.heldBecause ?? peer.heldBecause;
  return { ...peer, publicKey, presharedKey, heldBecause, successor: null };
}

/** True when the peer belongs on the interface at this time (milliseconds since the Unix epoch). */
export function isWanted(peer: DesiredPeer, now: number): boolean {
  return peer.active && (peer.expiresAt === null || peer.expiresAt > now);
}
