import { chunks } from "../lib/chunks.ts";
import type { Secret } from "../lib/secret.ts";
import { type DesiredPeer, isWanted, peerKeys, type RetiredKey } from "./desired.ts";
import type { ObservedPeer } from "./observed.ts";

/** What differs between a row and the interface. */
export type Difference =
  | "missing"
  | "allowed_ips"
  | "preshared_key"
  | "persistent_keepalive"
  | "unwanted"
  | "foreign";

/** One peer to be written; what is not named stays as it is. */
export interface PeerChange {
  readonly publicKey: string;
  readonly allowedIps: readonly string[];
  /** Null takes a preshared key away; undefined leaves it alone. */
  readonly presharedKey?: Secret<string> | null;
  /** A gateway waits for its peers; it never knocks itself. */
  readonly keepaliveOff?: true;
}

/** One part of a `wg set` call, in order. */
export type SetEntry =
  | { readonly kind: "peer"; readonly change: PeerChange }
  | { readonly kind: "remove"; readonly publicKey: string };

/** One call of `wg`. */
export type Command =
  /** `wg set`; at most one of its peers has a preshared key to be set, because stdin gives only one. */
  | { readonly kind: "set"; readonly entries: readonly SetEntry[] }
  /** `wg addconf` from stdin: any number of preshared keys. */
  | { readonly kind: "addconf"; readonly changes: readonly PeerChange[] };

export interface PlanInput {
  /** The rows to bring onto or off the interface. */
  readonly peers: Iterable<DesiredPeer>;
  readonly retired: Iterable<RetiredKey>;
  /** Keys that were added by hand. */
  readonly foreign: Iterable<string>;
  readonly observed: ReadonlyMap<string, ObservedPeer>;
  /** True when some row names this key, whichever rows are in `peers`. */
  hasRow(publicKey: string): boolean;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** Peers in one call: far below the 128 KiB of one argument and the 2 MiB of all. */
const chunkSize = 1000;
/** Nearly every answer, 10,000 times a pass. */
const none: readonly Difference[] = [];

/** What one key is to have on the interface. */
interface Placement {
  readonly publicKey: string;
  readonly allowedIps: readonly string[];
  readonly presharedKey: Secret<string> | null;
}

/** What a wanted row puts on the interface: nothing where it is held. A successor waits without allowed IPs. */
function placements(peer: DesiredPeer): Placement[] {
  const { heldBecause, successor } = peer;
  if (heldBecause !== null) return [];
  if (!successor || successor.heldBecause !== null) return [peer];
  return [peer, { ...successor, allowedIps: [] }];
}

/**
 * The differences between a row and the interface; none means exactly as desired. A row that is held
 * differs in nothing: it is neither applied nor taken off.
 */
export function differences(
  peer: DesiredPeer,
  observed: ReadonlyMap<string, ObservedPeer>,
  now: number,
): readonly Difference[] {
  if (!isWanted(peer, now)) {
    return peerKeys(peer).some((key) => observed.has(key)) ? ["unwanted"] : none;
  }
  // Nearly every peer, and asked of ten thousand in each full pass that has something to do.
  if (peer.heldBecause === null && !peer.successor) {
    return differing(peer, observed.get(peer.publicKey));
  }
  const wanted = placements(peer);
  return [...new Set(wanted.flatMap((key) => differing(key, observed.get(key.publicKey))))];
}

/** The same of one key of the peer's, as it is on the interface. */
export function keyDifferences(
  peer: DesiredPeer,
  observed: ObservedPeer,
  now: number,
): readonly Difference[] {
  if (!isWanted(peer, now)) return ["unwanted"];
  const wanted = placements(peer).find(({ publicKey }) => publicKey === observed.publicKey);
  return wanted ? differing(wanted, observed) : none;
}

function differing(wanted: Placement, observed: ObservedPeer | undefined): readonly Difference[] {
  if (!observed) return ["missing"];
  if (
    isSameSet(observed.allowedIps, wanted.allowedIps) && observed.persistentKeepalive === null &&
    observed.presharedKey?.reveal() === wanted.presharedKey?.reveal()
  ) return none;
  const found: Difference[] = [];
  if (!isSameSet(observed.allowedIps, wanted.allowedIps)) found.push("allowed_ips");
  if (observed.presharedKey?.reveal() !== wanted.presharedKey?.reveal()) {
    found.push("preshared_key");
  }
  if (observed.persistentKeepalive !== null) found.push("persistent_keepalive");
  return found;
}

/** In any order, because kernel and wireguard-go list allowed IPs in different ones. */
function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && b.every((ip) => a.includes(ip));
}

/**
 * The calls of `wg` that bring the interface to where the rows want it. Pure. A peer that is as it should be
 * appears in none of them, and a key that nothing explains only when it is named as foreign.
 */
export function plan(input: PlanInput): Command[] {
  const { observed, now } = input;
  const changes: PeerChange[] = [];
  const removals = new Set<string>(input.foreign);
  for (const peer of input.peers) {
    if (!isWanted(peer, now)) {
      for (const key of peerKeys(peer)) if (observed.has(key)) removals.add(key);
      continue;
    }
    for (const wanted of placements(peer)) {
      const found = differing(wanted, observed.get(wanted.publicKey));
      if (found.length > 0) changes.push(toChange(wanted, found));
    }
  }
  for (const { publicKey } of input.retired) {
    if (observed.has(publicKey) && !input.hasRow(publicKey)) removals.add(publicKey);
  }
  return arrange(changes, removals, observed);
}

function toChange(wanted: Placement, found: readonly Difference[]): PeerChange {
  const fresh = found.includes("missing");
  const withKey = found.includes("preshared_key") || (fresh && wanted.presharedKey !== null);
  return {
    publicKey: wanted.publicKey,
    allowedIps: wanted.allowedIps,
    ...(withKey ? { presharedKey: wanted.presharedKey } : {}),
    ...(found.includes("persistent_keepalive") ? { keepaliveOff: true } : {}),
  };
}

/**
 * Removals first, so that an address is never with two peers. But where a new key takes the address of a key
 * that goes (a rotation), the new one is set first and both travel in one call: there is no moment without.
 */
function arrange(
  changes: readonly PeerChange[],
  removals: ReadonlySet<string>,
  observed: ReadonlyMap<string, ObservedPeer>,
): Command[] {
  const leaving = new Map<string, string>();
  for (const publicKey of removals) {
    for (const ip of observed.get(publicKey)?.allowedIps ?? []) leaving.set(ip, publicKey);
  }
  const predecessor = ({ allowedIps: [first = ""] }: PeerChange) => leaving.get(first);
  const paired = new Set(changes.map(predecessor).filter((key) => key !== undefined));
  const together = (change: PeerChange): SetEntry[] => {
    const old = predecessor(change);
    return [
      { kind: "peer", change },
      ...(old === undefined ? [] : [{ kind: "remove", publicKey: old } as const]),
    ];
  };
  const keyed = changes.filter((change) => change.presharedKey);
  const plain = changes.filter((change) => !change.presharedKey);
  const loose = [...removals].filter((publicKey) => !paired.has(publicKey));

  const commands: Command[] = [];
  for (const part of chunks(loose, chunkSize)) {
    commands.push({
      kind: "set",
      entries: part.map((publicKey) => ({ kind: "remove", publicKey })),
    });
  }
  for (const part of chunks(plain, chunkSize)) {
    commands.push({ kind: "set", entries: part.flatMap(together) });
  }
  const [only, ...others] = keyed;
  if (only && others.length === 0) {
    commands.push({ kind: "set", entries: together(only) });
    return commands;
  }
  for (const part of chunks(keyed, chunkSize)) {
    commands.push({ kind: "addconf", changes: part });
    const old = part.map(predecessor).filter((key) => key !== undefined);
    if (old.length === 0) continue;
    commands.push({
      kind: "set",
      entries: old.map((publicKey) => ({ kind: "remove", publicKey })),
    });
  }
  return commands;
}

/** The keys that a command writes or removes. */
export function keysOf(command: Command): string[] {
  return command.kind === "addconf"
    ? command.changes.map((change) => change.publicKey)
    : command.entries.map((entry) =>
      entry.kind === "peer" ? entry.change.publicKey : entry.publicKey
    );
}

/** What is left of a command when nobody may be let in; null for nothing. */
export function removalsOnly(command: Command): Command | null {
  if (command.kind === "addconf") return null;
  const entries = command.entries.filter((entry) => entry.kind === "remove");
  if (entries.length === command.entries.length) return command;
  return entries.length > 0 ? { kind: "set", entries } : null;
}
