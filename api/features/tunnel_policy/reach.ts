import { contains } from "../../../lib/network.ts";

export const protocols = ["tcp", "udp", "icmp", "any"] as const;
export type Protocol = typeof protocols[number];

/** First and last; null for every port. */
export type Ports = readonly [first: number, last: number] | null;

/** Where packets may go. */
export interface Reach {
  /** In CIDR form. */
  network: string;
  protocol: Protocol;
  ports: Ports;
}

/** Reads `443` or `8000-8100`; undefined for anything else. */
export function parsePorts(text: string): readonly [number, number] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first >= 1 && first <= last && last <= 65535 ? [first, last] : undefined;
}

/** The other way round. */
export function formatPorts(ports: Ports): string | null {
  if (!ports) return null;
  const [first, last] = ports;
  return first === last ? String(first) : `${first}-${last}`;
}

/** Of what is asked for, the field that its grant does not cover, and why; undefined where it covers all. */
export function beyondGrant(
  asked: Reach,
  granted: Reach,
): { field: keyof Reach; message: string } | undefined {
  if (!contains(granted.network, asked.network)) {
    return { field: "network", message: `is not within ${granted.network}` };
  }
  if (granted.protocol !== "any" && granted.protocol !== asked.protocol) {
    return { field: "protocol", message: `must be ${granted.protocol}` };
  }
  if (!granted.ports) return undefined;
  const [first, last] = granted.ports;
  const isCovered = asked.ports && asked.ports[0] >= first && asked.ports[1] <= last;
  return isCovered
    ? undefined
    : { field: "ports", message: `must be within ${formatPorts(granted.ports)}` };
}

/** Ports are of TCP and UDP alone. */
export function hasStrayPorts({ protocol, ports }: Pick<Reach, "protocol" | "ports">): boolean {
  return ports !== null && protocol !== "tcp" && protocol !== "udp";
}
