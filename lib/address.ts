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
  /** True for an IPv4 address that a peer may hold. */
  isPeerAddress(address: string): boolean;
}

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

/**
 * @param network CIDR of a private IPv4 network, /12 to /28
 * @throws {AddressError} when it is not one
 */
export function addressPlan(network: string): AddressPlan {
  const parsed = parseNetwork(network);
  if (!parsed) throw new AddressError(`${network} is not an IPv4 network in CIDR form`);
  const { base, prefixLength } = parsed;
  if (prefixLength < 12 || prefixLength > 28) {
    throw new AddressError(`${network} must be between /12 and /28`);
  }
  const size = 2 ** (32 - prefixLength);
  const lastReserved = Math.min(254, size - 2);
  return {
    network,
    prefixLength,
    gateway: formatIPv4(base + 1),
    api: formatIPv4(base + 2),
    isPeerAddress(address) {
      const value = parseIPv4(address);
      if (value === undefined) return false;
      const offset = value - base;
      return offset >= 6 && offset <= size - 2 && offset !== lastReserved;
    },
  };
}
