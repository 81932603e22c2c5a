import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "./address.ts";

/** A network of either family; a single address is one of full length. */
export interface Network {
  readonly bits: 32 | 128;
  /** The address as a number, without host bits. */
  readonly value: bigint;
  readonly prefixLength: number;
}

/** Of IPv4-mapped addresses (RFC 4291, section 2.5.5.2): a listener for both families shows IPv4 so. */
const mapped = { prefix: 0xffffn, length: 96 };

function parseAddress(text: string): { isSix: boolean; value: bigint } | undefined {
  const four = parseIPv4(text);
  if (four !== undefined) return { isSix: false, value: BigInt(four) };
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  const tail = parseIPv4(dotted ?? "");
  if (tail !== undefined) return { isSix: true, value: mapped.prefix << 32n | BigInt(tail) };
  const six = parseIPv6(text);
  return six === undefined ? undefined : { isSix: true, value: six };
}

/**
 * An address, or a network in CIDR form with no host bits set; undefined for anything else. What is IPv4-mapped as
 * a whole is the IPv4 network that it means, with a prefix counted from there.
 */
export function parseAnyNetwork(text: string): Network | undefined {
  const [head = "", prefix, ...rest] = text.split("/");
  const address = parseAddress(head);
  if (!address || rest.length > 0) return undefined;
  const { isSix, value } = address;
  const bits = isSix ? 128 : 32;
  if (prefix !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  const prefixLength = prefix === undefined ? bits : Number(prefix);
  if (prefixLength > bits || BigInt.asUintN(bits - prefixLength, value) !== 0n) return undefined;
  return isSix && value >> 32n === mapped.prefix && prefixLength >= mapped.length
    ? { bits: 32, value: BigInt.asUintN(32, value), prefixLength: prefixLength - mapped.length }
    : { bits, value, prefixLength };
}

/**
 * The one way to write an address: dotted quad, also for an IPv4-mapped one, or RFC 5952.
 * @returns undefined for what is no address by itself: with a port, brackets, a zone, leading zeros, or a name
 */
export function plainAddress(text: string): string | undefined {
  const address = text.includes("/") ? undefined : parseAnyNetwork(text);
  if (!address) return undefined;
  return address.bits === 32 ? formatIPv4(Number(address.value)) : formatIPv6(address.value);
}

/** True when two networks share an address; of two families they share none. */
export function overlap(a: Network, b: Network): boolean {
  const hostBits = BigInt(a.bits - Math.min(a.prefixLength, b.prefixLength));
  return a.bits === b.bits && a.value >> hostBits === b.value >> hostBits;
}

/** True for the text of an address that one of the networks has. */
export function isWithin(networks: readonly Network[], address: string): boolean {
  const one = parseAnyNetwork(address);
  return one !== undefined && one.prefixLength === one.bits &&
    networks.some((network) => overlap(network, one));
}

/** True for a network in CIDR form with no bits set beyond its prefix, written in the family that it is of. */
export function isNetwork(text: string): boolean {
  const network = text.includes("/") ? parseAnyNetwork(text) : undefined;
  return network !== undefined && (network.bits === 128) === text.includes(":");
}

/** True when `inner` lies in `outer`, both in CIDR form. */
export function contains(outer: string, inner: string): boolean {
  const [a, b] = [parseAnyNetwork(outer), parseAnyNetwork(inner)];
  return a !== undefined && b !== undefined && a.prefixLength <= b.prefixLength && overlap(a, b);
}

/**
 * Where no tenant is ever led: this network, loopback, link-local, multicast and reserved, and where clouds
 * serve their metadata. The constraint wg_grants_network_is_no_infrastructure has the same list.
 */
const infrastructure = [
  ...["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"],
  ...["100.100.100.200/32", "192.0.0.192/32"],
  ...["::/8", "fe80::/10", "ff00::/8", "fd00:ec2::254/128", "fd20:ce::254/128"],
].flatMap((text) => parseAnyNetwork(text) ?? []);

/**
 * Why a tenant's peers must not be led into a network, in plain words; null where they may.
 * @param text the network, in CIDR form
 * @param tunnels networks of tunnels, in CIDR form
 */
export function destinationFault(text: string, tunnels: readonly string[]): string | null {
  const network = isNetwork(text) ? parseAnyNetwork(text) : undefined;
  if (!network) return "is not a network in CIDR form";
  const widest = network.bits === 32 ? 8 : 16;
  if (network.prefixLength < widest) return `is wider than /${widest}`;
  if (infrastructure.some((other) => overlap(other, network))) {
    return "overlaps loopback, link-local, multicast, reserved or metadata addresses";
  }
  const isTunnel = (tunnel: string) => {
    const other = parseAnyNetwork(tunnel);
    return other === undefined || overlap(other, network);
  };
  return tunnels.some(isTunnel) ? "overlaps a tunnel network" : null;
}
