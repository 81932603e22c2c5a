import { onlineMs } from "../../lib/online.ts";
import type { ObservedPeer } from "../observed.ts";

/** A client that jumps between two addresses must not fill the table. */
const endpointRestMs = 60_000;
/** Beyond these, no sum is exact and no date can be written: 9 PB, and the year 9999. */
const mostBytes = Number.MAX_SAFE_INTEGER;
const latestSecond = 253_402_300_799;

export type EventKind = "connected" | "disconnected" | "endpoint_changed";

export interface PeerEvent {
  /** Counts the events of the peer. */
  readonly n: number;
  readonly kind: EventKind;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly endpoint: string | null;
}

/** What is known of a peer's traffic, over all its keys and all lives of the interface. */
export interface Account {
  /** The key whose counters the next two are; null while the peer is not on the interface. */
  readonly publicKey: string | null;
  /** What WireGuard said of that key at the last look, in bytes. */
  readonly keyReceived: number;
  readonly keySent: number;
  /** Bytes since the peer was made. */
  readonly received: number;
  readonly sent: number;
  /** Where it spoke from last. */
  readonly endpoint: string | null;
  /** Seconds since the Unix epoch; 0 for never. */
  readonly handshake: number;
  /** Milliseconds since the Unix epoch; null while it is offline. */
  readonly onlineSince: number | null;
  /** The number of its latest event. */
  readonly events: number;
  /** The endpoint that the events know, and when they may speak of another one. */
  readonly notedEndpoint: string | null;
  readonly endpointRestsUntil: number;
}

export const emptyAccount: Account = {
  publicKey: null,
  keyReceived: 0,
  keySent: 0,
  received: 0,
  sent: 0,
  endpoint: null,
  handshake: 0,
  onlineSince: null,
  events: 0,
  notedEndpoint: null,
  endpointRestsUntil: 0,
};

/** @param now milliseconds since the Unix epoch */
export function isOnline(peer: ObservedPeer | undefined, now: number): boolean {
  return peer !== undefined && peer.latestHandshake > 0 &&
    now - peer.latestHandshake * 1000 < onlineMs;
}

/**
 * Books one look at the interface. Pure. What WireGuard counts starts from nothing with every life of the
 * interface and of a key, so a smaller value than before counts in full, and never takes anything back.
 *
 * @param peer as observed; undefined where it is not on the interface
 * @param now milliseconds since the Unix epoch
 */
export function book(
  before: Account,
  peer: ObservedPeer | undefined,
  now: number,
): { account: Account; event: PeerEvent | null } {
  const isSameKey = peer !== undefined && peer.publicKey === before.publicKey;
  const account: Account = peer
    ? {
      ...before,
      publicKey: peer.publicKey,
      keyReceived: Math.min(peer.receivedBytes, mostBytes),
      keySent: Math.min(peer.sentBytes, mostBytes),
      received: sum(before.received, isSameKey ? before.keyReceived : 0, peer.receivedBytes),
      sent: sum(before.sent, isSameKey ? before.keySent : 0, peer.sentBytes),
      endpoint: peer.endpoint ?? before.endpoint,
      handshake: Math.min(peer.latestHandshake, latestSecond) || before.handshake,
    }
    : { ...before, publicKey: null, keyReceived: 0, keySent: 0 };
  return note(account, isOnline(peer, now), now);
}

function sum(total: number, before: number, after: number): number {
  return Math.min(total + (after >= before ? after - before : after), mostBytes);
}

function note(account: Account, online: boolean, now: number) {
  const { onlineSince, handshake, endpoint, notedEndpoint, endpointRestsUntil } = account;
  const shaken = handshake * 1000;
  const kind: EventKind | null = online && onlineSince === null
    ? "connected"
    : !online && onlineSince !== null
    ? "disconnected"
    : online && endpoint !== notedEndpoint && now >= endpointRestsUntil
    ? "endpoint_changed"
    : null;
  if (kind === null) return { account, event: null };
  const at = kind === "connected" ? Math.min(shaken, now) : kind === "disconnected"
    // Its last handshake became too old at that very moment, unless it was taken off the interface before.
    ? Math.min(shaken + onlineMs, now)
    : now;
  const n = account.events + 1;
  return {
    account: {
      ...account,
      onlineSince: kind === "connected" ? at : online ? onlineSince : null,
      events: n,
      ...(online ? { notedEndpoint: endpoint, endpointRestsUntil: now + endpointRestMs } : {}),
    },
    event: { n, kind, at, endpoint },
  };
}
