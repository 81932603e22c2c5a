import { BlockList } from "node:net";
import { parseIPv6, parseNetwork } from "./address.ts";

/** A network in CIDR form, taken apart; the text is not checked any further than that. */
function parts(network: string): { base: string; prefix: number; family: "ipv4" | "ipv6" } {
  const at = network.lastIndexOf("/");
  const base = network.slice(0, at);
  return {
    base,
    prefix: Number(network.slice(at + 1)),
    family: base.includes(":") ? "ipv6" : "ipv4",
  };
}

/** True for a network in CIDR form, IPv4 or IPv6, with no bits set beyond its prefix. */
export function isNetwork(text: string): boolean {
  const [address = "", prefix = "", ...rest] = text.split("/");
  if (!address.includes(":")) return parseNetwork(text) !== undefined;
  const value = parseIPv6(address);
  const length = /^(0|[1-9]\d{0,2})$/.test(prefix) ? Number(prefix) : 129;
  return value !== undefined && rest.length === 0 && length <= 128 &&
    BigInt.asUintN(128 - length, value) === 0n;
}

/** True when `inner` lies in `outer`, both in CIDR form. */
export function contains(outer: string, inner: string): boolean {
  const [a, b] = [parts(outer), parts(inner)];
  if (a.family !== b.family || a.prefix > b.prefix) return false;
  const list = new BlockList();
  list.addSubnet(a.base, a.prefix, a.family);
  return list.check(b.base, b.family);
}

/** True when two networks in CIDR form share an address; of two families they share none. */
export function overlaps(a: string, b: string): boolean {
  return contains(a, b) || contains(b, a);
}

/**
 * Where no tenant is ever led: this network, loopback, link-local, multicast and reserved, and where clouds
 * serve their metadata. The constraint wg_grants_network_is_no_infrastructure has the same list.
 */
const infrastructure = [
  ...["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"],
  ...["100.100.100.200/32", "192.0.0.192/32"],
  ...["::/8", "fe80::/10", "ff00::/8", "fd00:ec2::254/128", "fd20:ce::254/128"],
];

/**
 * Why a tenant's peers must not be led into a network, in plain words; null where they may.
 * @param network in CIDR form
 * @param tunnels networks of tunnels, in CIDR form
 */
export function destinationFault(network: string, tunnels: readonly string[]): string | null {
  const { prefix, family } = parts(network);
  const widest = family === "ipv4" ? 8 : 16;
  if (!(prefix >= widest)) return `is wider than /${widest}`;
  if (infrastructure.some((other) => overlaps(other, network))) {
    return "overlaps loopback, link-local, multicast, reserved or metadata addresses";
  }
  if (tunnels.some((tunnel) => overlaps(tunnel, network))) return "overlaps a tunnel network";
  return null;
}
