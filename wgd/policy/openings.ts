import { destinationFault } from "../../lib/network.ts";
import { type DesiredPeer, isWanted } from "../desired.ts";
import type { Forwarding } from "../interface/ip.ts";
import type { Destination, Opening, Openings } from "../interface/nft_openings.ts";
import type { ObservedInterface } from "../observed.ts";
import { differences } from "../plan.ts";
import type { TenantPolicy } from "./store.ts";

export interface Circumstances {
  readonly peers: ReadonlyMap<string, DesiredPeer>;
  readonly observed: ObservedInterface;
  /** The host forwards what comes out of the tunnel. */
  readonly forwards: Forwarding;
  /** CIDRs of the tunnel. */
  readonly tunnels: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** What policies come to with the interface as it is. */
export interface Resolved {
  readonly openings: Openings;
  /** By tenant, why its policy is not put in force, in plain words. Its peers reach the API alone. */
  readonly rejected: ReadonlyMap<number, string>;
  /** Milliseconds since the Unix epoch: by then, time alone takes a member away. */
  readonly until: number;
}

/** A policy that opens nothing needs nothing. */
function isClosed({ peerToPeer, services, routes }: TenantPolicy): boolean {
  return !peerToPeer && services.length === 0 && routes.length === 0;
}

function faultOf(
  policy: TenantPolicy,
  { forwards, tunnels }: Circumstances,
): string | undefined {
  for (const { network, granted } of policy.routes) {
    if (!granted) return `the route to ${network} is not within its grant`;
    const fault = destinationFault(network, tunnels);
    if (fault) return `the route to ${network} ${fault}`;
  }
  const missing = !forwards.ipv4
    ? "net.ipv4.ip_forward=1"
    : !forwards.ipv6 && policy.routes.some(({ network }) => network.includes(":"))
    ? "net.ipv6.conf.all.forwarding=1"
    : undefined;
  if (missing) {
    return `the host does not forward what comes out of the tunnel: its operator sets ${missing}`;
  }
}

/**
 * True when its address speaks for this peer and no other: the interface has its key exactly as its row wants it. A
 * successor that waits beside it has no address yet, and no part in this.
 */
function isOnInterface(peer: DesiredPeer, { observed, now }: Circumstances): boolean {
  return peer.permanent === true && isWanted(peer, now) && peer.heldBecause === null &&
    differences({ ...peer, successor: null }, observed.peers, now).length === 0;
}

/**
 * What the rules must let through, for peers that are on the interface as their rows want them; enrolment peers
 * and whatever else is on it reach the API alone. A tenant whose policy cannot be put in force as a whole gets
 * none of it, its last one neither: what it wanted last may be the closing of what it had.
 */
export function resolve(
  policies: readonly TenantPolicy[],
  circumstances: Circumstances,
): Resolved {
  const rejected = new Map<number, string>();
  const open = new Map<number, TenantPolicy>();
  for (const policy of policies) {
    if (isClosed(policy)) continue;
    const fault = faultOf(policy, circumstances);
    if (fault === undefined) open.set(policy.tenantId, policy);
    else rejected.set(policy.tenantId, fault);
  }
  let until = Infinity;
  const members = new Map<number, Map<string, readonly string[]>>();
  for (const peer of open.size > 0 ? circumstances.peers.values() : []) {
    if (!open.has(peer.tenantId) || !isOnInterface(peer, circumstances)) continue;
    if (peer.expiresAt !== null) until = Math.min(until, peer.expiresAt);
    const addresses = peer.allowedIps.map((network) => network.slice(0, network.indexOf("/")));
    const known = members.get(peer.tenantId);
    if (known) known.set(peer.id, addresses);
    else members.set(peer.tenantId, new Map([[peer.id, addresses]]));
  }
  const openings = new Map<number, Opening>();
  for (const [tenantId, peers] of members) {
    const policy = open.get(tenantId);
    if (!policy) continue;
    openings.set(tenantId, {
      members: new Set([...peers.values()].flat()),
      peerToPeer: policy.peerToPeer,
      destinations: [...servicesOf(policy, peers), ...routesOf(policy)],
    });
  }
  return { openings, rejected, until };
}

function servicesOf(
  policy: TenantPolicy,
  peers: ReadonlyMap<string, readonly string[]>,
): Destination[] {
  return policy.services.flatMap(({ peerId, protocol, from, to }) =>
    (peers.get(peerId) ?? []).map((network) => ({ network, protocol, ports: [from, to] as const }))
  );
}

function routesOf(policy: TenantPolicy): Destination[] {
  return policy.routes.map(({ network, protocol, from, to }) => ({
    network,
    protocol,
    ports: from === null || to === null ? null : [from, to] as const,
  }));
}
