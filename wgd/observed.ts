import { Secret } from "../lib/secret.ts";
import { isWireGuardKey } from "../lib/wireguard_key.ts";
import { overlaid } from "./overlay.ts";

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
  /** The mark of its own packets, by which a host may route them elsewhere; null where it is off. */
  readonly fwmark: number | null;
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

const endpoint = /(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]{2,45}(?:%[^\s\]]{1,16})?\]):\d{1,5}/
  .source;
const wireguardKey = /[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=/.source;
const endpointPattern = new RegExp(`^${endpoint}$`);
const allowedIpPattern = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:.]{2,45})\/\d{1,3}$/;
/**
 * A whole line of a peer, for asked field by field, 10,000 of them take twice the time. No part of it can match in
 * two ways, or a hostile line would be tried in all of them; so the allowed IPs are looked at on their own.
 */
const linePattern = new RegExp(
  "^" + [
    `(${wireguardKey})`,
    `(?:\\(none\\)|(${wireguardKey}))`,
    `(?:\\(none\\)|(${endpoint}))`,
    "([^\t]+)",
    "(\\d{1,20})",
    "(\\d{1,20})",
    "(\\d{1,20})",
    "(off|\\d{1,20})",
  ].join("\t") + "$",
);

const keyLength = 44;

/** What is wrong with the line of a peer, by its first wrong field. */
function faultOf(text: string, line: number): DumpError {
  const [publicKey, preshared, endpoint, allowedIps, ...numbers] = fields(text, { line, count: 8 });
  if (key(publicKey, { line, name: "public key" }) === null) {
    return new DumpError(line, "it has no public key");
  }
  key(preshared, { line, name: "preshared key" });
  if (endpoint !== "(none)" && !endpointPattern.test(endpoint ?? "")) {
    return new DumpError(line, "the endpoint is malformed");
  }
  if (
    allowedIps !== "(none)" && !allowedIps?.split(",").every((ip) => allowedIpPattern.test(ip))
  ) return new DumpError(line, "an allowed IP is malformed");
  const names = ["latest handshake", "received bytes", "sent bytes", "keepalive"];
  const wrong = numbers.findIndex((text) => !/^\d{1,20}$/.test(text));
  return new DumpError(line, `the ${names[wrong] ?? "line"} is malformed`);
}

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

  #seenIn: object | undefined;

  /** @param text the line that says so, in memory of its own */
  constructor(text: string, peer: ObservedPeer) {
    this.#line = text;
    this.publicKey = peer.publicKey;
    this.presharedKey = peer.presharedKey;
    this.endpoint = peer.endpoint;
    this.allowedIps = peer.allowedIps;
    this.latestHandshake = peer.latestHandshake;
    this.receivedBytes = peer.receivedBytes;
    this.sentBytes = peer.sentBytes;
    this.persistentKeepalive = peer.persistentKeepalive;
  }

  /** @param text the line, in memory of its own */
  static read(text: string, line: number): ReadPeer {
    const found = linePattern.exec(text);
    if (!found) throw faultOf(text, line);
    const [, publicKey = "", psk, endpoint, ips = "", handshake, received, sent, keepalive] = found;
    const allowedIps = ips === "(none)" ? [] : ips.split(",");
    if (!allowedIps.every((ip) => allowedIpPattern.test(ip))) throw faultOf(text, line);
    return new ReadPeer(text, {
      publicKey,
      presharedKey: psk === undefined ? null : new Secret(psk),
      endpoint: endpoint ?? null,
      allowedIps,
      latestHandshake: whole(handshake, { line, name: "latest handshake" }),
      receivedBytes: whole(received, { line, name: "received bytes" }),
      sentBytes: whole(sent, { line, name: "sent bytes" }),
      persistentKeepalive: keepalive === "off"
        ? null
        : whole(keepalive, { line, name: "keepalive", max: 65535 }),
    });
  }

  /** False for a line that stood in this reading already. */
  isNewIn(reading: object): boolean {
    if (this.#seenIn === reading) return false;
    this.#seenIn = reading;
    return true;
  }

  /** True when the line between these offsets is the one that this peer was read from. */
  isLine(text: string, from: number, to: number): boolean {
    return this.#line.length === to - from && text.slice(from, to) === this.#line;
  }
}

/** A peer as `wg` will print it when it was just added: the line then need not be read again. */
export function newlyAdded(
  { publicKey, presharedKey, allowedIps }: Pick<
    ObservedPeer,
    "publicKey" | "presharedKey" | "allowedIps"
  >,
): ObservedPeer {
  const none = "(none)";
  const settings = [publicKey, presharedKey?.reveal() ?? none, none, allowedIps.join() || none];
  return new ReadPeer([...settings, 0, 0, 0, "off"].join("\t"), {
    publicKey,
    presharedKey,
    allowedIps,
    endpoint: null,
    latestHandshake: 0,
    receivedBytes: 0,
    sentBytes: 0,
    persistentKeepalive: null,
  });
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
  const { length, ...head } = parseHead(text);
  const { publicKey, listenPort, fwmark } = head;
  const copyOf = copier(text);
  const reading = {};
  const found: ReadPeer[] = [];
  let isSame = before?.publicKey === publicKey && before.listenPort === listenPort &&
    before.fwmark === fwmark;
  let sameSettings = isSame;
  for (let from = length; from < text.length;) {
    const line = found.length + 2;
    const to = text.indexOf("\n", from);
    const known = before?.peers.get(text.slice(from, from + keyLength));
    let peer: ReadPeer;
    if (known instanceof ReadPeer && known.isLine(text, from, to)) peer = known;
    else {
      peer = ReadPeer.read(copyOf(from, to), line);
      isSame = false;
      sameSettings &&= known !== undefined && hasSameSettings(known, peer);
    }
    if (!peer.isNewIn(reading)) throw new DumpError(line, "the peer stands there twice");
    found.push(peer);
    from = to + 1;
  }
  const asMany = found.length === before?.peers.size;
  if (before && isSame && asMany) return before;
  const peers = new Map<string, ObservedPeer>(found.map((peer) => [peer.publicKey, peer]));
  if (peers.size !== found.length) throw new DumpError(1, "a peer stands there twice");
  return {
    ...head,
    peers,
    settings: before && sameSettings && asMany ? before.settings : {},
  };
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
  const { length: _, ...head } = parseHead(text);
  const looked = new Map<string, ObservedPeer | undefined>();
  for (const wanted of publicKeys) {
    // Every line of a peer follows a line end, because the interface's own line is the first.
    const found = text.indexOf(`\n${wanted}\t`) + 1;
    const line = found > 0 ? copied(text.slice(found, text.indexOf("\n", found))) : undefined;
    looked.set(wanted, line === undefined ? undefined : ReadPeer.read(line, 0));
  }
  return { ...head, peers: overlaid(before.peers, looked), settings: {} };
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
    publicKey: publicKey === null ? null : copied(publicKey),
    listenPort: whole(head[2], { line: 1, name: "listen port", max: 65535 }),
    fwmark: mark(head[3]),
    length: end + 1,
  };
}

/** A slice keeps the text it was cut from alive, and with it the private key in its first line. */
function copied(text: string): string {
  return decoder.decode(encoder.encode(text));
}

/** The same for parts of a long text, which is made into bytes once and only if a part is asked for. */
function copier(text: string): (from: number, to: number) => string {
  let bytes: Uint8Array | undefined;
  return (from, to) => {
    bytes ??= encoder.encode(text);
    // With anything but ASCII in it, its bytes are elsewhere.
    return bytes.length === text.length
      ? decoder.decode(bytes.subarray(from, to))
      : copied(text.slice(from, to));
  };
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

function mark(text: string | undefined): number | null {
  if (text === "off") return null;
  if (!text || !/^0x[0-9a-f]{1,8}$/.test(text)) throw new DumpError(1, "the fwmark is malformed");
  return Number(text);
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
