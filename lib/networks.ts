import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "./address.ts";

/** An address as a number, in its family. */
interface Address {
  bits: 32 | 128;
  value: bigint;
}

/** A network of either family; a single address is one of full length. */
export interface Network extends Address {
  prefixLength: number;
}

function parseAddress(text: string): Address | undefined {
  const dotted = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  const four = parseIPv4(dotted ?? "");
  if (four !== undefined) return { bits: 32, value: BigInt(four) };
  const six = parseIPv6(text);
  if (six === undefined) return undefined;
  // IPv4-mapped (RFC 4291, section 2.5.5.2): a listener for both families shows IPv4 so.
  return six >> 32n === 0xffffn
    ? { bits: 32, value: BigInt.asUintN(32, six) }
    : { bits: 128, value: six };
}

/**
 * The one way to write an address: dotted quad, also for an IPv4-mapped one, or RFC 5952.
 * @returns undefined for what is no address by itself: with a port, brackets, a zone, leading zeros, or a name
 */
export function plainAddress(text: string): string | undefined {
  const address = parseAddress(text);
  if (!address) return undefined;
  return address.bits === 32 ? formatIPv4(Number(address.value)) : formatIPv6(address.value);
}

/** An address, or a network in CIDR form with no host bits set; undefined for anything else. */
export function parseAnyNetwork(text: string): Network | undefined {
  const [head = "", prefix, ...rest] = text.split("/");
  const address = parseAddress(head);
  if (!address || rest.length > 0) return undefined;
  const { bits, value } = address;
  if (prefix === undefined) return { bits, value, prefixLength: bits };
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > bits) return undefined;
  const hostBits = bits - Number(prefix);
  return BigInt.asUintN(hostBits, value) === 0n
    ? { bits, value, prefixLength: Number(prefix) }
    : undefined;
}

/** True when two networks share an address. */
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
