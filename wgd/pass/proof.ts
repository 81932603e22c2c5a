import { type DesiredPeer, type DesiredState, isWanted } from "../desired.ts";
import type { Verdict } from "../seen/verdict.ts";

/**
 * What the pass before this one proved, where that was over a few peers. A change is usually asked for twice, by
 * notification and by the API that waits; the second asking needs no look of its own when the first look began
 * after it.
 */
export interface Proof {
  /** By the monotonic clock. */
  readonly lookedAt: number;
  readonly peers: ReadonlyMap<string, DesiredPeer>;
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

/** What a full pass found right: as long as all of it stays, the next one has nothing to compare. */
export interface Calm {
  readonly version: number;
  readonly settings: object;
  /** Milliseconds since the Unix epoch: by then, time alone changes what is wanted. */
  readonly until: number;
}

/**
 * Verdicts that the pass before proved, of peers whose row has not changed since.
 * @param options.askedAt by peer id, when somebody last asked, by the monotonic clock
 */
export function provenBefore(
  proof: Proof,
  { rows, askedAt, now }: { rows: DesiredState; askedAt: ReadonlyMap<string, number>; now: number },
): Map<string, Verdict> {
  const proven = new Map<string, Verdict>();
  for (const peer of rows.peers) {
    const before = proof.peers.get(peer.id);
    const verdict = proof.verdicts.get(peer.id);
    const asked = askedAt.get(peer.id) ?? Infinity;
    if (!before || !verdict || asked > proof.lookedAt) continue;
    if (isSameRow(before, peer) && isSettled(peer, now)) proven.set(peer.id, verdict);
  }
  return proven;
}

/** True when a row wants of the interface what it wanted before. */
function isSameRow(a: DesiredPeer, b: DesiredPeer): boolean {
  return a.generation === b.generation && a.publicKey === b.publicKey &&
    a.successor?.publicKey === b.successor?.publicKey && a.address === b.address &&
    a.active === b.active && a.expiresAt === b.expiresAt && a.tombstone === b.tombstone &&
    a.heldBecause === b.heldBecause && a.presharedKey?.reveal() === b.presharedKey?.reveal();
}

/** True when its recorded status is the one that its row asks for. */
export function isSettled(peer: DesiredPeer, now: number): boolean {
  const { status, generation } = peer;
  return status?.generation === generation &&
    (status.state === "held" || status.state === (isWanted(peer, now) ? "applied" : "removed"));
}
