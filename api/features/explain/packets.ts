/** What becomes of packets of one kind. */
export interface PacketVerdict {
  traffic: string;
  verdict: "accept" | "drop" | "unknown";
  why: string;
}

/** What the tenant opened for its peers beyond the API. */
export interface Openings {
  peerToPeer: boolean;
  services: readonly {
    peer: string;
    /** The peer is on the same gateway; to others there is no way. */
    near: boolean;
    protocol: string;
    from: number;
    to: number;
  }[];
  routes: readonly { network: string; protocol: string; from: number | null; to: number | null }[];
  /** What the daemon said of it; null where it has not yet. */
  state: "applied" | "rejected" | null;
  error: string | null;
}

/** What becomes of the packets that the peer sends, in the order in which they are tried. */
export function packetVerdicts(
  peer: { isThere: boolean | null; address: string | null; kind: "permanent" | "enrolment" | null },
  tunnel: { addresses: readonly string[]; apiPort: number; openings: Openings | null },
): PacketVerdict[] {
  if (peer.isThere === null) {
    return [{
      traffic: "anything",
      verdict: "unknown",
      why: "the daemon does not say whether the key is on the interface",
    }];
  }
  if (!peer.isThere) {
    return [{
      traffic: "anything",
      verdict: "drop",
      why: "the interface has no peer of this key, so WireGuard opens no packet of it",
    }];
  }
  const api = tunnel.addresses.join(" and ");
  const enrolment = peer.kind === "enrolment";
  return [
    {
      traffic: `from another source address than ${peer.address}`,
      verdict: "drop",
      why: "WireGuard takes from a peer its own address and no other",
    },
    {
      traffic: `TCP to port ${tunnel.apiPort} of ${api}`,
      verdict: "accept",
      why: enrolment
        ? "the API, which answers an enrolment peer about enrolment alone"
        : "the API, which holds every request to this peer's tenant and owner",
    },
    { traffic: `ICMP echo to ${api}`, verdict: "accept", why: "so that a tunnel can be tried" },
    ...(enrolment || !tunnel.openings ? [] : opened(tunnel.openings)),
    {
      traffic: "anything else: other peers, the host, other networks",
      verdict: "drop",
      why: "the firewall lets nothing else out of the tunnel",
    },
  ];
}

function opened({ peerToPeer, services, routes, state, error }: Openings): PacketVerdict[] {
  const service = ({ peer, protocol, from, to }: Openings["services"][number]) =>
    `${named(protocol)}${ports(from, to)} of the peer ${peer}`;
  const traffic = [
    ...(peerToPeer ? ["anything to other peers of the tenant on this gateway"] : []),
    ...services.filter(({ near }) => near).map(service),
    ...routes.map(({ network, protocol, from, to }) =>
      `${named(protocol)}${ports(from, to)} ${from === null ? "to" : "in"} ${network}`
    ),
  ];
  const [verdict, why] = state === "applied"
    ? ["accept", "the tenant's policy opens it, and is in force"] as const
    : state === "rejected"
    ? ["drop", `the tenant's policy is rejected: ${error ?? "the daemon gave no reason"}`] as const
    : ["unknown", "the daemon has not put this version of the tenant's policy in force"] as const;
  return [
    ...traffic.map((each) => ({ traffic: each, verdict, why })),
    ...services.filter(({ near }) => !near).map((each) => ({
      traffic: service(each),
      verdict: "drop" as const,
      why: "that peer is on another gateway, and gateways do not route to one another",
    })),
  ];
}

function named(protocol: string): string {
  return protocol === "any" ? "anything" : protocol.toUpperCase();
}

function ports(from: number | null, to: number | null): string {
  if (from === null || to === null) return "";
  return from === to ? ` to port ${from}` : ` to ports ${from} to ${to}`;
}
