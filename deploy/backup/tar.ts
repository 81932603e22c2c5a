import { BackupError } from "./error.ts";

/** One thing of an archive. A folder has no content. */
export interface Entry {
  /** Without a leading or trailing slash. */
  path: string;
  folder: boolean;
  size: number;
  mode: number;
  uid: number;
  gid: number;
  content: AsyncIterable<Uint8Array>;
}

const block = 512;
/** PostgreSQL's files end at 1 GiB; eleven octal digits hold 8 GiB. */
const largest = 8 * 2 ** 30 - 1;

/**
 * A tar stream (POSIX ustar), so that a backup can be read without MassaCorp: `age -d FILE | tar x`.
 * An entry's content has to have exactly its size.
 */
export async function* writeTar(entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    yield header(entry);
    let written = 0;
    for await (const part of entry.content) {
      written += part.length;
      yield part;
    }
    if (written !== entry.size) throw new BackupError(`${entry.path} changed its size`);
    if (written % block > 0) yield new Uint8Array(block - written % block);
  }
  yield new Uint8Array(2 * block);
}

function header(entry: Entry): Uint8Array {
  const path = entry.folder ? `${entry.path}/` : entry.path;
  const bytes = new Uint8Array(block);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  const octal = (at: number, digits: number, value: number) =>
    text(at, value.toString(8).padStart(digits, "0"));
  if (new TextEncoder().encode(path).length > 100) throw new BackupError(`${path}: too long`);
  if (entry.size > largest) throw new BackupError(`${path}: too large`);
  text(0, path);
  octal(100, 7, entry.mode & 0o7777);
  octal(108, 7, entry.uid);
  octal(116, 7, entry.gid);
  octal(124, 11, entry.size);
  octal(136, 11, 0);
  text(148, "        ");
  text(156, entry.folder ? "5" : "0");
  text(257, "ustar\0" + "00");
  octal(148, 6, bytes.reduce((sum, byte) => sum + byte, 0));
  bytes[154] = 0;
  return bytes;
}

/** The entries of {@link writeTar}'s stream. Each content has to be read, or is skipped, before the next comes. */
export async function* readTar(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  const source = new Source(stream);
  try {
    for (;;) {
      const head = await source.exactly(block);
      if (head.every((byte) => byte === 0)) break;
      const entry = parseHeader(head);
      const content = source.part(entry.size);
      yield { ...entry, content };
      for await (const _ of content) { /* What was not read is skipped. */ }
      await source.exactly((block - entry.size % block) % block);
    }
    // What decrypts tells only at its end that nothing is missing.
    await source.end();
  } finally {
    await source.close();
  }
}

function parseHeader(head: Uint8Array): Omit<Entry, "content"> {
  const text = (at: number, length: number) =>
    new TextDecoder().decode(head.subarray(at, at + length)).replace(/\0.*$/s, "");
  const octal = (at: number, length: number) => {
    const digits = text(at, length).trim();
    if (!/^[0-7]+$/.test(digits)) throw new BackupError("a header of the archive is damaged");
    return Number.parseInt(digits, 8);
  };
  const blank = head.slice();
  blank.fill(0x20, 148, 156);
  const type = text(156, 1);
  if (
    blank.reduce((sum, byte) => sum + byte, 0) !== octal(148, 8) || text(257, 5) !== "ustar" ||
    (type !== "0" && type !== "5")
  ) {
    throw new BackupError("a header of the archive is damaged");
  }
  const path = text(0, 100).replace(/\/$/, "");
  return {
    path: safePath(path),
    folder: type === "5",
    size: octal(124, 12),
    mode: octal(100, 8) & 0o777,
    uid: octal(108, 8),
    gid: octal(116, 8),
  };
}

/** Anybody can encrypt to a public recipient: a path must not lead out of the folder. */
export function safePath(path: string): string {
  const parts = path.split("/");
  if (path.includes("\0") || parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new BackupError(`the archive names ${JSON.stringify(path)}`);
  }
  return path;
}

/** Bytes of a stream in the portions that are asked for. */
class Source {
  readonly #parts: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#parts = stream[Symbol.asyncIterator]();
  }

  async #next(atMost: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#parts.next();
      if (done) throw new BackupError("the archive is cut off");
      this.#rest = value;
    }
    const portion = this.#rest.subarray(0, atMost);
    this.#rest = this.#rest.subarray(portion.length);
    return portion;
  }

  async exactly(length: number): Promise<Uint8Array> {
    const whole = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const portion = await this.#next(length - at);
      whole.set(portion, at);
      at += portion.length;
    }
    return whole;
  }

  async *part(length: number): AsyncGenerator<Uint8Array> {
    let left = length;
    while (left > 0) {
      const portion = await this.#next(left);
      left -= portion.length;
      yield portion;
    }
  }

  async end(): Promise<void> {
    let rest = this.#rest;
    for (;;) {
      if (rest.some((byte) => byte !== 0)) {
        throw new BackupError("the archive goes on behind its end");
      }
      const { value, done } = await this.#parts.next();
      if (done) return;
      rest = value;
    }
  }

  async close(): Promise<void> {
    await this.#parts.return?.();
  }
}
