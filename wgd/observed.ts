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
  /**
   * Stands for all that can be set: the same object means that nothing of it differs. What only happens to an
   * interface (endpoints, handshakes, counters) is not in it.
   */
  readonly settings: object;
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

const keyLength = 44;

/** A peer and the line it was read from, so that the same line need not be read twice. */
class ReadPeer implements ObservedPeer {
  readonly publicKey: string;
  readonly presharedKey: Secret<string> | null;
  readonly endpoint: string | null;
  readonly allowedIps: readonly string[];
  readonly latestHandshake: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly persistentKeepalive: number | null;
  readonly #line: string;

  constructor(text: string, line: number) {
    const [publicKey, preshared, endpoint, allowedIps, handshake, received, sent, keepalive] =
      fields(text, { line, count: 8 });
    const id = key(publicKey, { line, name: "public key" });
    if (id === null) throw new DumpError(line, "it has no public key");
    const psk = key(preshared, { line, name: "preshared key" });
    this.#line = text;
    this.publicKey = id;
    this.presharedKey = psk === null ? null : new Secret(psk);
    this.endpoint = optional(endpoint, { line, name: "endpoint", pattern: endpointPattern });
    this.allowedIps = allowedIps === "(none)" ? [] : (allowedIps ?? "").split(",").map((ip) => {
      if (!allowedIpPattern.test(ip)) throw new DumpError(line, "an allowed IP is malformed");
      return ip;
    });
    this.latestHandshake = whole(handshake, { line, name: "latest handshake" });
    this.receivedBytes = whole(received, { line, name: "received bytes" });
    this.sentBytes = whole(sent, { line, name: "sent bytes" });
    this.persistentKeepalive = keepalive === "off"
      ? null
      : whole(keepalive, { line, name: "keepalive", max: 65535 });
  }

  /** True when the line between these offsets is the one that this peer was read from. */
  static isSame(peer: ObservedPeer | undefined, text: string, from: number, to: number): boolean {
    return peer instanceof ReadPeer && peer.#line.length === to - from &&
      text.startsWith(peer.#line, from);
  }
}

/**
 * Reads the output of `wg show IF dump` (wg(8)). Strict: output that was cut off must not pass for an
 * interface with fewer peers.
 *
 * @param before an earlier reading of the interface: peers whose line is the same are taken from it, and the
 * whole of it is answered where nothing at all has changed
 * @throws {DumpError} for anything else
 */
export function parseDump(text: string, before?: ObservedInterface): ObservedInterface {
  const head = parseHead(text);
  const peers = new Map<string, ObservedPeer>();
  let same = before?.publicKey === head.publicKey && before.listenPort === head.listenPort;
  let line = 2;
  for (let from = head.length; from < text.length; line++) {
    const to = text.indexOf("\n", from);
    const known = before?.peers.get(text.slice(from, from + keyLength));
    let peer = known;
    if (!peer || !ReadPeer.isSame(peer, text, from, to)) {
      peer = new ReadPeer(copyOf(text.slice(from, to)), line);
      same &&= known !== undefined && hasSameSettings(known, peer);
    }
    if (peers.has(peer.publicKey)) throw new DumpError(line, "the peer stands there twice");
    peers.set(peer.publicKey, peer);
    from = to + 1;
  }
  const settings = before && same && peers.size === before.peers.size ? before.settings : {};
  return { publicKey: head.publicKey, listenPort: head.listenPort, peers, settings };
}

/**
 * As {@link parseDump}, but reads the lines of these public keys alone; of all other peers it answers what was
 * known before. Finding one line among 10,000 takes a hundredth of the time of reading them all.
 *
 * @throws {DumpError}
 */
export function parseSome(
  text: string,
  { publicKeys, before }: { publicKeys: Iterable<string>; before: ObservedInterface },
): ObservedInterface {
  const { publicKey, listenPort } = parseHead(text);
  const peers = new Map(before.peers);
  for (const wanted of publicKeys) {
    // Every line of a peer follows a line end, because the interface's own line is the first.
    const found = text.indexOf(`\n${wanted}\t`) + 1;
    if (found === 0) {
      peers.delete(wanted);
      continue;
    }
    peers.set(wanted, new ReadPeer(copyOf(text.slice(found, text.indexOf("\n", found))), 0));
  }
  return { publicKey, listenPort, peers, settings: {} };
}

/**
 * Reads the output of `wg show IF latest-handshakes`: of each peer its key and a time, 0 for never.
 *
 * @returns the public keys that shook hands
 * @throws {DumpError}
 */
export function parseHandshakes(text: string): Set<string> {
  const found = new Set<string>();
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new DumpError(lines.length + 1, "it does not end with a line end");
  for (const [at, line] of lines.entries()) {
    const [publicKey, time] = fields(line, { line: at + 1, count: 2 });
    const id = key(publicKey, { line: at + 1, name: "public key" });
    if (id && whole(time, { line: at + 1, name: "latest handshake" }) > 0) found.add(id);
  }
  return found;
}

function hasSameSettings(a: ObservedPeer, b: ObservedPeer): boolean {
  return a.presharedKey?.reveal() === b.presharedKey?.reveal() &&
    a.persistentKeepalive === b.persistentKeepalive && a.allowedIps.join() === b.allowedIps.join();
}

function parseHead(text: string) {
  if (!text.endsWith("\n")) throw new DumpError(1, "it does not end with a line end");
  const end = text.indexOf("\n");
  const head = fields(text.slice(0, end), { line: 1, count: 4 });
  const publicKey = key(head[1], { line: 1, name: "public key" });
  return {
    publicKey: publicKey === null ? null : copyOf(publicKey),
    listenPort: whole(head[2], { line: 1, name: "listen port", max: 65535 }),
    length: end + 1,
  };
}

/** A slice keeps the text it was cut from alive, and with it the private key in its first line. */
function copyOf(text: string): string {
  return decoder.decode(encoder.encode(text));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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
