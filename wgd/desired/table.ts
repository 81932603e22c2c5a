import {
  type DesiredPeer,
  type DesiredState,
  peerKeys,
  promoted,
  type RecordedStatus,
  type RetiredKey,
} from "../desired.ts";
import type { DesiredChanges } from "./mod.ts";
import { type Digests, sliceOf, unknownDigest } from "./store.ts";

/** Why a key on the interface is there, or is not explained, or that somebody decided that it may go. */
export type Explanation = "row" | "retired" | "released" | "vanished" | "adopted" | "foreign";

/** Enough for everybody who may still ask about one. */
const goneRemembered = 10_000;

/** What was proven gone, and whose tombstone or release is of no use any more. */
export interface Purge {
  readonly peers: readonly DesiredPeer[];
  readonly retired: readonly RetiredKey[];
  readonly released: readonly string[];
}

export const nothing: Purge = { peers: [], retired: [], released: [] };

/**
 * The desired rows as last read, and what else the daemon remembers of keys. With the database away it decides
 * from here; and it tells a key whose row vanished (held, T7) from one added by hand (drift, T2), as
 * docs/decisions/0010-unexplained-keys.md says.
 */
export class DesiredTable {
  readonly #peers = new Map<string, DesiredPeer>();
  readonly #byKey = new Map<string, DesiredPeer>();
  readonly #waiting = new Set<string>();
  readonly #retired = new Map<string, RetiredKey>();
  /** Keys that had a row once, which went without a tombstone; with the id of that row. */
  readonly #vanished = new Map<string, string>();
  /** Keys found on the interface by the first complete pass, which nothing explained then. */
  #adopted: Set<string> | undefined;
  /** The last peers proven gone, whose rows went with their tombstones. */
  readonly #gone = new Set<string>();
  /** Keys that an operator decided about. */
  #released: ReadonlySet<string> = new Set();
  #version = 0;
  #digests: Map<number, string> | undefined;

  get released(): ReadonlySet<string> {
    return this.#released;
  }

  get peers(): ReadonlyMap<string, DesiredPeer> {
    return this.#peers;
  }

  get retired(): ReadonlyMap<string, RetiredKey> {
    return this.#retired;
  }

  byKey(publicKey: string): DesiredPeer | undefined {
    return this.#byKey.get(publicKey);
  }

  /** Grows with every change of a row, and with everything read of one. */
  get version(): number {
    return this.#version;
  }

  /** What the rows of the last complete read are recognised by. */
  get digests(): Digests | undefined {
    return this.#digests;
  }

  /** Takes over a read of all rows. */
  replaceAll({ state, slices, digests, released }: DesiredChanges): void {
    if (released.length > 0 || this.#released.size > 0) this.#version++;
    this.#released = new Set(released);
    if (slices === "all" || slices.size > 0) {
      this.#replace((id) => slices === "all" || slices.has(sliceOf(id)), state);
    }
    this.#digests = new Map(digests);
  }

  /** Takes over a read of the rows of some peers; one that is missing has no row any more. */
  replaceSome(peerIds: readonly string[], state: DesiredState): void {
    const asked = new Set(peerIds);
    this.#replace((id) => asked.has(id), state, asked);
    // What is known of these slices is newer now than their digests, and the database may go back to those.
    for (const id of asked) this.#digests?.set(sliceOf(id), unknownDigest);
  }

  #replace(covers: (peerId: string) => boolean, state: DesiredState, ids?: Iterable<string>): void {
    this.#version++;
    const before = new Map<string, string>();
    for (const id of ids ?? this.#peers.keys()) {
      const peer = this.#peers.get(id);
      if (!peer || !covers(id)) continue;
      for (const publicKey of peerKeys(peer)) before.set(publicKey, id);
      this.#remove(peer);
    }
    for (const [publicKey, { peerId }] of this.#retired) {
      if (!covers(peerId)) continue;
      before.set(publicKey, peerId);
      this.#retired.delete(publicKey);
    }
    this.#add(state, before);
  }

  /**
   * Takes over what the daemon knew before it was started, as if it had been read then.
   * @param memory.complete whether it knew of every key that it had put on the interface
   */
  restore(
    memory: DesiredState & { held: Iterable<[string, string]>; complete: boolean },
  ): void {
    this.#version++;
    this.#add(memory, new Map());
    for (const [publicKey, id] of memory.held) this.#vanished.set(publicKey, id);
    if (memory.complete) this.#adopted = new Set();
  }

  /** Keys that are held, with the id of the row that went; empty where no row was ever seen. */
  *heldKeys(): Generator<[publicKey: string, peerId: string]> {
    yield* this.#vanished;
    for (const publicKey of this.#adopted ?? []) {
      if (!this.isExplained(publicKey) && !this.#vanished.has(publicKey)) yield [publicKey, ""];
    }
  }

  /** Every key that the daemon ever read of, and has not forgotten. */
  *knownKeys(): Generator<string> {
    yield* this.#byKey.keys();
    yield* this.#retired.keys();
    for (const [publicKey] of this.heldKeys()) yield publicKey;
  }

  #add(state: DesiredState, before: ReadonlyMap<string, string>): void {
    for (const peer of state.peers) {
      this.#gone.delete(peer.id);
      this.#set(peer);
      for (const publicKey of peerKeys(peer)) this.#vanished.delete(publicKey);
    }
    for (const key of state.retired) {
      this.#retired.set(key.publicKey, key);
      this.#vanished.delete(key.publicKey);
    }
    for (const [publicKey, id] of before) {
      if (!this.#byKey.has(publicKey) && !this.#retired.has(publicKey)) {
        this.#vanished.set(publicKey, id);
      }
    }
  }

  #set(peer: DesiredPeer): void {
    this.#peers.set(peer.id, peer);
    for (const publicKey of peerKeys(peer)) this.#byKey.set(publicKey, peer);
    if (peer.successor) this.#waiting.add(peer.id);
    else this.#waiting.delete(peer.id);
  }

  #remove(peer: DesiredPeer): void {
    this.#peers.delete(peer.id);
    this.#waiting.delete(peer.id);
    for (const publicKey of peerKeys(peer)) {
      // Another peer may have taken the key over, and been read before this one.
      if (this.#byKey.get(publicKey)?.id === peer.id) this.#byKey.delete(publicKey);
    }
  }

  /** Peers whose successor waits for its first handshake, or its deadline. */
  get waiting(): DesiredPeer[] {
    return [...this.#waiting].map((id) => this.#peers.get(id)).filter((peer) => peer !== undefined);
  }

  /** Takes over that a successor became its peer's key, though the database could not be told. */
  promote(peerId: string): void {
    const peer = this.#peers.get(peerId);
    const after = peer && promoted(peer);
    if (!after) return;
    this.#version++;
    const { tenantId, publicKey } = peer;
    this.#remove(peer);
    this.#set(after);
    this.#retired.set(publicKey, { tenantId, peerId, publicKey });
    // So that the row is read again as soon as it can be, though it did not change.
    this.#digests?.set(sliceOf(peerId), unknownDigest);
  }

  /** Forgets what was purged: keys proven gone, whose tombstones went with them. */
  forget(purged: Purge): void {
    if (purged.peers.length + purged.retired.length > 0) this.#version++;
    for (const publicKey of purged.released) {
      const id = this.#vanished.get(publicKey);
      this.#vanished.delete(publicKey);
      this.#adopted?.delete(publicKey);
      if (id && !this.#peers.has(id)) this.#gone.add(id);
    }
    for (const peer of purged.peers) {
      this.#remove(peer);
      this.#gone.add(peer.id);
    }
    for (const id of this.#gone) {
      if (this.#gone.size <= goneRemembered) break;
      this.#gone.delete(id);
    }
    for (const { publicKey } of purged.retired) this.#retired.delete(publicKey);
  }

  /** True for a peer that was proven gone, as far as is remembered. */
  isGone(peerId: string): boolean {
    return this.#gone.has(peerId);
  }

  /** Called with what the first complete pass found on the interface; later calls change nothing. */
  adopt(publicKeys: Iterable<string>): void {
    if (this.#adopted) return;
    this.#version++;
    this.#adopted = new Set([...publicKeys].filter((key) => !this.isExplained(key)));
  }

  /** True when a row or a tombstone names the key. */
  isExplained(publicKey: string): boolean {
    return this.#byKey.has(publicKey) || this.#retired.has(publicKey);
  }

  explain(publicKey: string): Explanation {
    if (this.#byKey.has(publicKey)) return "row";
    if (this.#retired.has(publicKey)) return "retired";
    if (this.#released.has(publicKey)) return "released";
    if (this.#vanished.has(publicKey)) return "vanished";
    return this.#adopted?.has(publicKey) ?? true ? "adopted" : "foreign";
  }

  /** The key that a peer has, its successor, those it had before, and that of its row which vanished. */
  keysOf(peerId: string): string[] {
    const peer = this.#peers.get(peerId);
    const retired = [...this.#retired.values()].filter((key) => key.peerId === peerId);
    return [
      ...new Set([
        ...(peer ? peerKeys(peer) : []),
        ...retired.map(({ publicKey }) => publicKey),
        ...this.vanishedKeys(peerId),
      ]),
    ];
  }

  /** The keys that a peer had when its row went without a tombstone. */
  vanishedKeys(peerId: string): string[] {
    return [...this.#vanished].filter(([, id]) => id === peerId).map(([publicKey]) => publicKey);
  }

  /** Notes what was written of a peer, so that it is known with the database away, too. */
  setStatus(peerId: string, status: RecordedStatus): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    this.#set({ ...peer, status });
  }

  /** Milliseconds since the Unix epoch of the next expiry, or deadline of a successor, after a time. */
  nextExpiry(after: number): number | null {
    let next: number | null = null;
    const consider = (time: number) => {
      if (time > after && (next === null || time < next)) next = time;
    };
    for (const { active, expiresAt } of this.#peers.values()) {
      if (active && expiresAt !== null) consider(expiresAt);
    }
    for (const { successor } of this.waiting) if (successor) consider(successor.deadline);
    return next;
  }
}
