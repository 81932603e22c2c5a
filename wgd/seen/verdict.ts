import {
  type DesiredPeer,
  type DesiredState,
  isWanted,
  peerKeys,
  type PeerState,
} from "../desired.ts";
import type { ObservedInterface, ObservedPeer } from "../observed.ts";
import { type Difference, differences } from "../plan.ts";

/** What a read-back proves of one row. */
export interface Verdict {
  readonly state: PeerState;
  readonly error: string | null;
}

export interface Evidence {
  /** The interface as read back after the last command. */
  readonly observed: ReadonlyMap<string, ObservedPeer>;
  /** Keys that the peer used before and that are still on the interface. */
  readonly oldKeys: number;
  /** Why a command for this key failed. */
  readonly failure: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

const words: Record<Difference, string> = {
  missing: "the peer is not on the interface",
  allowed_ips: "the peer has other allowed IPs on the interface",
  preshared_key: "the peer has another preshared key on the interface",
  persistent_keepalive: "the peer has another keepalive on the interface",
  unwanted: "the peer is still on the interface",
  foreign: "the peer is still on the interface",
};

const applied: Verdict = { state: "applied", error: null };
const removed: Verdict = { state: "removed", error: null };

/**
 * The state of a row, from what was read back and nothing else: `applied` only when the interface has the peer
 * exactly as the row wants it, `removed` only when it lacks it.
 */
export function judge(peer: DesiredPeer, evidence: Evidence): Verdict {
  const { observed, oldKeys, failure, now } = evidence;
  const wanted = isWanted(peer, now);
  if (wanted && peer.heldBecause !== null) return { state: "held", error: peer.heldBecause };
  const found = differences(peer, observed, now);
  const unfit = wanted ? peer.successor?.heldBecause ?? null : null;
  if (found.length === 0 && unfit !== null) return { state: "failed", error: unfit };
  if (found.length === 0 && oldKeys === 0) {
    return wanted ? applied : removed;
  }
  const what = found.length > 0
    ? found.map((difference) => words[difference]).join("; ")
    : "the key that the peer used before is still on the interface";
  return { state: "failed", error: failure === undefined ? what : `${what}: ${failure}` };
}

/**
 * What went wrong with a row since it was last proven right: differences that no change of the row explains.
 */
export function driftOf(
  peer: DesiredPeer,
  observed: ReadonlyMap<string, ObservedPeer>,
  now: number,
): readonly Difference[] {
  const { status } = peer;
  const proven = status !== null && status.generation === peer.generation &&
    status.state === (isWanted(peer, now) ? "applied" : "removed");
  return proven ? differences(peer, observed, now) : [];
}

/** The verdicts of one read-back, by peer id. */
export function judgeAll(
  { peers, retired }: DesiredState,
  { after, failures, hasRow, now }: {
    after: ObservedInterface;
    failures: ReadonlyMap<string, string>;
    hasRow: (publicKey: string) => boolean;
    now: number;
  },
): Map<string, Verdict> {
  const oldKeys = new Map<string, number>();
  for (const { peerId, publicKey } of retired) {
    if (after.peers.has(publicKey) && !hasRow(publicKey)) {
      oldKeys.set(peerId, (oldKeys.get(peerId) ?? 0) + 1);
    }
  }
  return new Map(peers.map((peer) => [
    peer.id,
    judge(peer, {
      observed: after.peers,
      oldKeys: oldKeys.get(peer.id) ?? 0,
      failure: failures.size === 0
        ? undefined
        : peerKeys(peer).map((key) => failures.get(key)).find((found) => found !== undefined),
      now,
    }),
  ]));
}
