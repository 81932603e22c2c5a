import { parseIPv4, parseIPv6 } from "../../lib/address.ts";

/** A TCP packet on its way, as an error about it quotes it. */
export interface Quoted {
  from: string;
  to: string;
  fromPort: number;
  toPort: number;
}

/** Bytes of an address, of either family. */
function bytesOf(address: string): number[] {
  const six = address.includes(":");
  const value = six ? parseIPv6(address) : parseIPv4(address);
  if (value === undefined) throw new RangeError(`${address} is no address`);
  const hex = value.toString(16).padStart(six ? 32 : 8, "0");
  return [...Uint8Array.fromHex(hex)];
}

/** The checksum of RFC 1071. */
function checksum(bytes: readonly number[]): [number, number] {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) << 8 | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return [~sum >> 8 & 0xff, ~sum & 0xff];
}

const short = (value: number): [number, number] => [value >> 8, value & 0xff];

/** ICMP's or ICMPv6's "host unreachable" about a packet; of the latter the kernel fills in the checksum. */
export function unreachable(quoted: Quoted): Uint8Array {
  const [from, to] = [bytesOf(quoted.from), bytesOf(quoted.to)];
  const tcp = [...short(quoted.fromPort), ...short(quoted.toPort), 0, 0, 0, 1];
  if (from.length === 16) {
    const header = [0x60, 0, 0, 0, ...short(20), 6, 64, ...from, ...to];
    return Uint8Array.from([1, 3, 0, 0, 0, 0, 0, 0, ...header, ...tcp]);
  }
  const start = [0x45, 0, ...short(40), 0, 1, 0, 0, 64, 6];
  const header = [...start, ...checksum([...start, 0, 0, ...from, ...to]), ...from, ...to];
  const rest = [0, 0, 0, 0, ...header, ...tcp];
  return Uint8Array.from([3, 1, ...checksum([3, 1, 0, 0, ...rest]), ...rest]);
}

/** Argv that sends it over a raw socket, which Deno has not and every Debian's perl has. */
export function sendIcmp(to: string, message: Uint8Array): string[] {
  const script = to.includes(":")
    ? `socket(my $s, AF_INET6, SOCK_RAW, 58) or die; my $to = pack_sockaddr_in6(0, inet_pton(AF_INET6, $ARGV[0]));`
    : `socket(my $s, AF_INET, SOCK_RAW, 1) or die; my $to = pack_sockaddr_in(0, inet_aton($ARGV[0]));`;
  const send = `send($s, pack("H*", $ARGV[1]), 0, $to) or die $!;`;
  const imports = "-MSocket=:DEFAULT,inet_pton,pack_sockaddr_in6";
  return ["perl", imports, "-e", script + send, to, message.toHex()];
}
