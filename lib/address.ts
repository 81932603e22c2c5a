/**
 * The address plan of one tunnel network. The same plan stands in the database, as the rows of
 * `wg_ip_pool` that `wg_pool_addresses()` makes; a test compares the two.
 *
 * Offsets from the network address: 1 gateway, 2 API, 3–5 reserved, 254 reserved (in networks smaller
 * than /24 the last host address instead), the broadcast address unusable, all others for peers.
 */
export interface AddressPlan {
  /** The network in CIDR form, such as `10.10.0.0/24`. */
  readonly network: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly api: string;
  /** The IPv6 network beside it; null where there is none. */
  readonly six: AddressPlan6 | null;
  /** True for an IPv4 address that a peer may hold. */
  isPeerAddress(address: string): boolean;
  /** The IPv6 address of the peer with this IPv4 address of the plan; null where there is no IPv6. */
  address6(address: string): string | null;
}

/**
 * The IPv6 side of a plan. A peer's address is the prefix and the offset of its IPv4 address in the network: one
 * pool and one constraint serve both, and growing the network renumbers nobody. In the database
 * `wg_address6()` says the same; a test compares the two.
 */
export interface AddressPlan6 {
  /** The /64 in CIDR form, as PostgreSQL and `ip` write it. */
  readonly network: string;
  readonly prefixLength: 64;
  readonly gateway: string;
  readonly api: string;
}

/** A network that no tunnel can have; the message says what it must be. */
export class AddressError extends Error {
  override name = "AddressError";
}

/** Dotted quad to unsigned 32 bit, or undefined. Leading zeros are refused: they read as octal elsewhere. */
export function parseIPv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith("0"))) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** @param value unsigned 32 bit */
export function formatIPv4(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
}

/** An IPv4 network in CIDR form, with no host bits set; undefined for anything else. */
export function parseNetwork(text: string): { base: number; prefixLength: number } | undefined {
  const [address = "", prefix = "", ...rest] = text.split("/");
  const base = parseIPv4(address);
  if (base === undefined || rest.length > 0 || !/^(0|[1-9]\d?)$/.test(prefix)) return undefined;
  const prefixLength = Number(prefix);
  if (prefixLength > 32 || base % 2 ** (32 - prefixLength) !== 0) return undefined;
  return { base, prefixLength };
}

/** An IPv6 address in any of its forms, without a zone or an IPv4 tail, to its 128 bits; or undefined. */
export function parseIPv6(text: string): bigint | undefined {
  if (!/^[0-9a-f:]{2,39}$/i.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => half === "" ? [] : half.split(":"));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  let value = 0n;
  for (const group of [...head, ...Array<string>(missing).fill("0"), ...tail]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    value = value << 16n | BigInt(`0x${group}`);
  }
  return value;
}

/** The one form of RFC 5952, which `wg`, `ip`, PostgreSQL and Deno print as well. */
export function formatIPv6(value: bigint): string {
  const groups = Array.from(
    { length: 8 },
    (_, at) => (value >> BigInt(112 - 16 * at) & 0xffffn).toString(16),
  );
  let longest = { at: 0, length: 1 };
  for (let at = 0; at < 8;) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > longest.length) longest = { at, length };
    at += length + 1;
  }
  if (longest.length < 2) return groups.join(":");
  const after = groups.slice(longest.at + longest.length);
  return `${groups.slice(0, longest.at).join(":")}::${after.join(":")}`;
}

/** The base of a ULA /64 in `fd00::/8` (RFC 4193) with no host bits set; undefined for anything else. */
function parseUla(text: string): bigint | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  const base = parseIPv6(address);
  if (base === undefined || prefix !== "64" || rest.length > 0) return undefined;
  return base >> 120n === 0xfdn && BigInt.asUintN(64, base) === 0n ? base : undefined;
}

/**
 * @param network CIDR of a private IPv4 network, /12 to /28
 * @param network6 CIDR of an IPv6 ULA /64 beside it
 * @throws {AddressError} when one is not what it has to be
 */
export function addressPlan(network: string, network6?: string): AddressPlan {
  const parsed = parseNetwork(network);
  if (!parsed) throw new AddressError(`${network} is not an IPv4 network in CIDR form`);
  const { base, prefixLength } = parsed;
  if (prefixLength < 12 || prefixLength > 28) {
    throw new AddressError(`${network} must be between /12 and /28`);
  }
  const size = 2 ** (32 - prefixLength);
  const lastReserved = Math.min(254, size - 2);
  const base6 = network6 === undefined ? undefined : parseUla(network6);
  if (network6 !== undefined && base6 === undefined) {
    throw new AddressError(`${network6} is not an IPv6 /64 within fd00::/8 in CIDR form`);
  }
  const at6 = (offset: number) => base6 === undefined ? "" : formatIPv6(base6 + BigInt(offset));
  return {
    network,
    prefixLength,
    gateway: formatIPv4(base + 1),
    api: formatIPv4(base + 2),
    six: base6 === undefined
      ? null
      : { network: `${at6(0)}/64`, prefixLength: 64, gateway: at6(1), api: at6(2) },
    isPeerAddress(address) {
      const value = parseIPv4(address);
      if (value === undefined) return false;
      const offset = value - base;
      return offset >= 6 && offset <= size - 2 && offset !== lastReserved;
    },
    address6(address) {
      const value = parseIPv4(address);
      if (base6 === undefined || value === undefined) return null;
      const offset = value - base;
      return offset >= 0 && offset < size ? at6(offset) : null;
    },
  };
}
