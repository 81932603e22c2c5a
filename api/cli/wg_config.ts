import { isIP } from "node:net";
import { Secret } from "../../lib/secret.ts";
import { isWireGuardKey } from "../../lib/wireguard_key.ts";

/** A peer as a server's file has it. */
export interface WgConfigPeer {
  /** Of its `[Peer]`, from 1. */
  readonly line: number;
  /** From a comment; null where there is none that looks like a name. */
  readonly name: string | null;
  readonly publicKey: string;
  readonly presharedKey: Secret<string> | null;
  /** Addresses and networks, as they stand there. */
  readonly allowedIps: readonly string[];
}

export interface WgConfig {
  /** Of the server, such as `10.8.0.1/24`. */
  readonly addresses: readonly string[];
  readonly listenPort: number | null;
  readonly peers: readonly WgConfigPeer[];
  /** Settings that say something which an import does not take over, such as `PostUp`. */
  readonly ignored: readonly string[];
}

/** The file is not one of wg(8) or wg-quick(8). Names line and setting, never a value: those are secrets. */
export class WgConfigError extends Error {
  override name = "WgConfigError";
  constructor(line: number, what: string) {
    super(`line ${line}: ${what}`);
  }
}

type Section = "interface" | "peer";
const settings: Record<Section, Record<string, string>> = {
  interface: lowered(
    ...["PrivateKey", "ListenPort", "FwMark", "Address", "DNS", "MTU", "Table", "PreUp", "PostUp"],
    ...["PreDown", "PostDown", "SaveConfig"],
  ),
  peer: lowered("PublicKey", "PresharedKey", "AllowedIPs", "Endpoint", "PersistentKeepalive"),
};
/** Peculiar to a file, and no setting of the server as a whole. */
const silent = new Set(["PrivateKey", "ListenPort", "Address", "SaveConfig"]);
/** wg(8) takes it for none. */
const zeroKey = `${"A".repeat(43)}=`;

function lowered(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name.toLowerCase(), name]));
}

/** Nobody's name is longer, and patterns take their time over what has no end. */
const longestComment = 500;

interface Draft {
  line: number;
  comments: string[];
  publicKey?: string;
  presharedKey?: Secret<string>;
  allowedIps: string[];
}

/**
 * Reads a server's file as wg(8) and wg-quick(8) do: keys and sections in any case, blanks anywhere, comments
 * from `#` to the end of the line. Stricter in that it refuses what they would not know.
 *
 * @throws {WgConfigError}
 */
export function parseWgConfig(text: string): WgConfig {
  const addresses: string[] = [];
  const ignored = new Set<string>();
  const drafts: Draft[] = [];
  let listenPort: number | null = null;
  let section: Section | undefined;
  let comments: string[] = [];

  for (const [at, whole] of text.split("\n").entries()) {
    const line = at + 1;
    const hash = whole.indexOf("#");
    if (hash >= 0) comments.push(whole.slice(hash + 1, hash + 1 + longestComment));
    const said = (hash < 0 ? whole : whole.slice(0, hash)).trim();
    if (said === "") continue;
    if (said.startsWith("[")) {
      section = sectionOf(said, line);
      if (section === "peer") drafts.push({ line, comments, allowedIps: [] });
      comments = [];
      continue;
    }
    const { name, value } = settingOf(said, { line, section });
    const draft = section === "peer" ? drafts.at(-1) : undefined;
    draft?.comments.push(...comments);
    comments = [];
    if (draft) set(draft, { name, value, line });
    else if (name === "Address") addresses.push(...list(value, line, "Address"));
    else if (name === "ListenPort") listenPort = port(value, line);
    if (!draft && value !== "" && !silent.has(name)) ignored.add(name);
    if (name === "Endpoint" || (name === "PersistentKeepalive" && !/^(0|off)$/i.test(value))) {
      ignored.add(name);
    }
  }
  return { addresses, listenPort, peers: drafts.map(finish), ignored: [...ignored] };
}

function sectionOf(said: string, line: number): Section {
  const name = said.replace(/\s/g, "").toLowerCase();
  if (name === "[interface]") return "interface";
  if (name === "[peer]") return "peer";
  throw new WgConfigError(line, "it is neither [Interface] nor [Peer]");
}

function settingOf(
  said: string,
  { line, section }: { line: number; section: Section | undefined },
): { name: string; value: string } {
  const equals = said.indexOf("=");
  if (equals < 0) throw new WgConfigError(line, "it is no setting: there is no =");
  if (!section) throw new WgConfigError(line, "it comes before any section");
  const key = said.slice(0, equals).replace(/\s/g, "").toLowerCase();
  const known = settings[section];
  const name = Object.hasOwn(known, key) ? known[key] : undefined;
  if (!name) throw new WgConfigError(line, `it is no setting of [${section}]`);
  return { name, value: said.slice(equals + 1).trim() };
}

function set(
  draft: Draft,
  { name, value, line }: { name: string; value: string; line: number },
): void {
  switch (name) {
    case "PublicKey":
      if (draft.publicKey !== undefined) throw new WgConfigError(line, "a second PublicKey");
      draft.publicKey = key(value, line, name);
      break;
    case "PresharedKey": {
      if (draft.presharedKey) throw new WgConfigError(line, "a second PresharedKey");
      const secret = key(value, line, name);
      if (secret !== zeroKey) draft.presharedKey = new Secret(secret);
      break;
    }
    case "AllowedIPs":
      draft.allowedIps.push(...list(value, line, name));
  }
}

function finish({ line, comments, publicKey, presharedKey, allowedIps }: Draft): WgConfigPeer {
  if (publicKey === undefined) throw new WgConfigError(line, "the peer has no PublicKey");
  return {
    line,
    name: nameIn(comments),
    publicKey,
    presharedKey: presharedKey ?? null,
    allowedIps,
  };
}

function key(value: string, line: number, name: string): string {
  const text = value.replace(/\s/g, "");
  if (!isWireGuardKey(text)) throw new WgConfigError(line, `its ${name} is not a WireGuard key`);
  return text;
}

function port(value: string, line: number): number {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65535) {
    throw new WgConfigError(line, "its ListenPort is not a port");
  }
  return Number(value);
}

/** Addresses and networks; none is allowed, too. */
function list(value: string, line: number, name: string): string[] {
  const parts = value.replace(/\s/g, "").split(",").filter((part) => part !== "");
  for (const part of parts) {
    const [address = "", prefix, ...rest] = part.split("/");
    const version = isIP(address);
    const fits = prefix === undefined ||
      (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
    // A zone, as in fe80::1%eth0, makes no sense in a route.
    if (version === 0 || address.includes("%") || !fits || rest.length > 0) {
      throw new WgConfigError(line, `its ${name} has something that is no address or network`);
    }
  }
  return parts;
}

/**
 * How other tools note whose a peer is: wg-easy `# Client: ada (id)`, Angristan `### Client ada`, PiVPN
 * `### begin ada ###`, Nyr `# BEGIN_PEER ada`, WGDashboard `#Name# = ada`, others `#_Name = ada`.
 */
const labels = [
  /^client\s*:\s*(.+?)(?:\s*\((?:\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\))?$/i,
  /^(?:_?name#?|friendly_name)\s*[:=]\s*(.+)$/i,
  /^(?:client|peer|begin|begin_peer)\s+(.+)$/i,
];
/** What closes a peer, and settings that somebody commented out. */
const noName = /^(?:end|end_peer)\b|^\[|^(?:[A-Za-z]+)\s*=/i;

function nameIn(comments: readonly string[]): string | null {
  const texts = comments.map((comment) =>
    comment.replace(/^[#\s]+|[#\s]+$/g, "").replace(/[\p{Cc}\u2028\u2029]/gu, " ")
  ).filter((text) => text !== "");
  for (const label of labels) {
    const found = texts.findLast((text) => label.test(text));
    const name = found && label.exec(found)?.[1];
    if (name) return shortened(name);
  }
  const plain = texts.find((text) => !noName.test(text));
  return plain === undefined ? null : shortened(plain);
}

/** At most 64 characters, none of them cut in half. */
function shortened(name: string): string | null {
  let short = "";
  for (const character of name.trim()) {
    if (short.length + character.length > 64) break;
    short += character;
  }
  return short.trim().toWellFormed() || null;
}
