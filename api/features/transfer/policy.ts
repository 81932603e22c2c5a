import { isIPv4, isIPv6 } from "node:net";
import { type AddressPlan, parseIPv4, parseNetwork } from "../../../lib/address.ts";

/** Why a peer of another installation is not taken, or not with its address. */
export const importReasons = [
  "no_address",
  "several_allowed_ips",
  "outside_network",
  "reserved_address",
  "address_taken",
  "duplicate_address",
  "duplicate_key",
  "public_key_taken",
  "gateway_key",
  "pool_exhausted",
] as const;
export type ImportReason = typeof importReasons[number];

/** One peer as the other installation had it. */
export interface ImportedPeer {
  public_key: string;
  allowed_ips: readonly string[];
}

/** What can be said of one without asking the database. */
export type Screened =
  | { refused: ImportReason }
  | {
    /** The address that its client has. */
    address: string;
    /** Why that cannot be kept; null where it can, if it is free. */
    unusable: "outside_network" | "reserved_address" | "duplicate_address" | null;
    /** Of these nothing is taken over: this gateway derives a peer's IPv6 address itself. */
    droppedIps: string[];
  };

/**
 * Screens peers in their order: of two with one key, or one address, the first has it. A peer's route is its own
 * address and nothing else, so one that stands for a network cannot be taken at all.
 */
export function screen(
  peers: readonly ImportedPeer[],
  { plan, gatewayKey }: { plan: AddressPlan; gatewayKey: string },
): Screened[] {
  const keys = new Set<string>();
  const addresses = new Set<string>();
  return peers.map(({ public_key, allowed_ips }): Screened => {
    if (public_key === gatewayKey) return { refused: "gateway_key" };
    if (keys.has(public_key)) return { refused: "duplicate_key" };
    keys.add(public_key);
    const hosts = allowed_ips.map(hostOf);
    const own = hosts.filter((host) => host !== null && isIPv4(host));
    if (hosts.includes(null) || own.length > 1) return { refused: "several_allowed_ips" };
    const [address] = own;
    if (typeof address !== "string") return { refused: "no_address" };
    const unusable = !isInside(plan.network, address)
      ? "outside_network" as const
      : !plan.isPeerAddress(address)
      ? "reserved_address" as const
      : addresses.has(address)
      ? "duplicate_address" as const
      : null;
    addresses.add(address);
    const droppedIps = hosts.filter((host) => host !== null && isIPv6(host)).map(String);
    return { address, unusable, droppedIps };
  });
}

function isInside(network: string, address: string): boolean {
  const parsed = parseNetwork(network);
  const value = parseIPv4(address);
  if (!parsed || value === undefined) return false;
  return value >= parsed.base && value < parsed.base + 2 ** (32 - parsed.prefixLength);
}

/** The one address that an allowed IP stands for; null for a network, or for none. */
function hostOf(allowedIp: string): string | null {
  const [address = "", prefix, ...rest] = allowedIp.split("/");
  if (rest.length > 0) return null;
  if (isIPv4(address)) return prefix === undefined || prefix === "32" ? address : null;
  if (isIPv6(address)) return prefix === undefined || prefix === "128" ? address : null;
  return null;
}
