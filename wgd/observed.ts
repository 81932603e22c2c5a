import { Secret } from "../lib/secret.ts";
import { isWireGuardKey } from "../lib/wireguard_key.ts";

/** One peer as `wg show IF dump` tells it. */
export interface ObservedPeer {
  readonly publicKey: string;
  readonly presharedKey: Secret<string> | null;
  readonly endpoint: string | null;
  /** As `wg` prints them, such as `10.10.0.6/32`. */
  readonly allowedIps: readonly string[];
  /** Seconds since the Unix epoch; 0 for never. */
  readonly latestHandshake: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Seconds; null where it is off. */
  readonly persistentKeepalive: number | null;
}

/** An interface as read back. The private key that `wg` prints along is not kept. */
export interface ObservedInterface {
  /** Null where no private key is set. */
  readonly publicKey: string | null;
  readonly listenPort: number;
  readonly peers: ReadonlyMap<string, ObservedPeer>;
}

/** The dump is not what `wg` prints. Names the line and the field, never what stood there. */
export class DumpError extends Error {
  override name = "DumpError";
  constructor(line: number, what: string) {
    super(`line ${line} of the dump: ${what}`);
  }
}

const endpointPattern =
  /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.]{2,45}(%[^\s\]]{1,16})?\]):\d{1,5}$/;
const allowedIpPattern = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:.]{2,45})\/\d{1,3}$/;

/**
 * Reads the output of `wg show IF dump` (wg(8)). Strict: output that was cut off must not pass for an
 * interface with fewer peers.
 *
 * @throws {DumpError} for anything else
 */
export function parseDump(text: string): ObservedInterface {
  if (!text.endsWith("\n")) throw new DumpError(1, "it does not end with a line end");
  const lines = text.slice(0, -1).split("\n");
  const head = fields(lines[0] ?? "", { line: 1, count: 4 });
  const peers = new Map<string, ObservedPeer>();
  for (let at = 1; at < lines.length; at++) {
    const peer = parsePeer(lines[at] ?? "", at + 1);
    if (peers.has(peer.publicKey)) throw new DumpError(at + 1, "the peer stands there twice");
    peers.set(peer.publicKey, peer);
  }
  return {
    publicKey: key(head[1], { line: 1, name: "public key" }),
    listenPort: whole(head[2], { line: 1, name: "listen port", max: 65535 }),
    peers,
  };
}

function parsePeer(text: string, line: number): ObservedPeer {
  const [publicKey, preshared, endpoint, allowedIps, handshake, received, sent, keepalive] = fields(
    text,
    { line, count: 8 },
  );
  const id = key(publicKey, { line, name: "public key" });
  if (id === null) throw new DumpError(line, "it has no public key");
  const psk = key(preshared, { line, name: "preshared key" });
  return {
    publicKey: id,
    presharedKey: psk === null ? null : new Secret(psk),
    endpoint: optional(endpoint, { line, name: "endpoint", pattern: endpointPattern }),
    allowedIps: allowedIps === "(none)" ? [] : (allowedIps ?? "").split(",").map((ip) => {
      if (!allowedIpPattern.test(ip)) throw new DumpError(line, "an allowed IP is malformed");
      return ip;
    }),
    latestHandshake: whole(handshake, { line, name: "latest handshake" }),
    receivedBytes: whole(received, { line, name: "received bytes" }),
    sentBytes: whole(sent, { line, name: "sent bytes" }),
    persistentKeepalive: keepalive === "off"
      ? null
      : whole(keepalive, { line, name: "keepalive", max: 65535 }),
  };
}

function fields(text: string, { line, count }: { line: number; count: number }): string[] {
  const found = text.split("\t");
  if (found.length !== count) {
    throw new DumpError(line, `it has ${found.length} fields instead of ${count}`);
  }
  return found;
}

function key(text: string | undefined, at: { line: number; name: string }): string | null {
  if (text === "(none)") return null;
  if (!text || !isWireGuardKey(text)) throw new DumpError(at.line, `the ${at.name} is malformed`);
  return text;
}

function optional(
  text: string | undefined,
  at: { line: number; name: string; pattern: RegExp },
): string | null {
  if (text === "(none)") return null;
  if (!text || !at.pattern.test(text)) throw new DumpError(at.line, `the ${at.name} is malformed`);
  return text;
}

/** Counters are 64 bit; beyond 2^53 they lose their last digits, which no use of them notices. */
function whole(
  text: string | undefined,
  at: { line: number; name: string; max?: number },
): number {
  const value = text && /^\d{1,20}$/.test(text) ? Number(text) : NaN;
  if (!(value <= (at.max ?? 2 ** 64))) throw new DumpError(at.line, `the ${at.name} is malformed`);
  return value;
}
