import { dirname } from "node:path";
import { syncFolder, writeAll } from "../../lib/durable_file.ts";
import { createSealer, deriveSubkey, type Sealer, SealError } from "../../lib/seal.ts";
import type { Secret } from "../../lib/secret.ts";
import { decodeKey, encodeKey } from "../../lib/wireguard_key.ts";

/**
 * The last known good state in one file: `MCSNAP1\n`, the length of the sealed body (4 bytes, big endian), the
 * body, and a strip of {@link slotCount} slots of {@link slotLength} bytes. The body is replaced as a whole, by
 * rename. A slot is written in place and synced, which takes a millisecond however many peers there are; the
 * strip has its full length from the start, so that it can be written on a full disk, and a file that was cut
 * off is seen. Everything is sealed under one key, bound to one interface, and each slot to its body.
 */
export interface SnapshotFile {
  /** Null where there is no file. @throws {SnapshotError} when it must not be used */
  read(): Promise<StoredSnapshot | null>;
  /** Replaces the file, whole or not at all. @throws {SnapshotError} and leaves the file before as it was */
  write(body: Uint8Array<ArrayBuffer>): Promise<void>;
  /** How many slots of the present file are free; 0 without a file. */
  readonly free: number;
  /**
   * Strikes out public keys. When this resolves, the disk has it.
   * @param time milliseconds since the Unix epoch, where it has to be noted, too; it takes a slot
   * @throws {SnapshotError}
   */
  strike(publicKeys: readonly string[], time?: number): Promise<void>;
  /** Notes that peers are being added which the body does not name; survives the process, not the host. */
  markIncomplete(): Promise<void>;
  /** Removes the file for good. @throws {SnapshotError} */
  unlink(): Promise<void>;
}

export interface StoredSnapshot {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly struck: ReadonlySet<string>;
  /** The highest time that was noted since the body was written; 0 for none. */
  readonly time: number;
  /** False when the process ended before it wrote down the last additions. */
  readonly complete: boolean;
}

type Subkey = Secret<Uint8Array<ArrayBuffer>>;

/** The snapshot cannot be used or written; the message says why, and what to do. */
export class SnapshotError extends Error {
  override name = "SnapshotError";
}

export const slotCount = 1024;
/** A version, a nonce, 32 bytes and a tag make 61. */
export const slotLength = 64;
const magic = new TextEncoder().encode("MCSNAP1\n");
const headLength = magic.length + 4;
/** In a slot: not a key, but that additions began. */
const incomplete = encodeKey(new Uint8Array(32));

/**
 * @param options.presharedSubkeys what sealing keys are derived from: whoever has only the gateway's folder reads
 * nothing. The first seals, and each opens a snapshot that it sealed before the key was changed
 * @param options.place names the interface; a snapshot of another one does not open
 */
export async function openSnapshotFile(
  { path, presharedSubkeys, place }: {
    path: string;
    presharedSubkeys: readonly [Subkey, ...Subkey[]];
    place: string;
  },
): Promise<SnapshotFile> {
  const sealerOf = async (subkey: Subkey) =>
    await createSealer(await deriveSubkey(subkey, "wgd-snapshot"));
  const newest = await sealerOf(presharedSubkeys[0]);
  const older = await Promise.all(
    presharedSubkeys.slice(1).map(sealerOf),
  );
  // That of the file as it is: what is struck out of it is sealed as its body was.
  let sealer = newest;
  let bodyDigest = "";
  let stripAt = 0;
  let used = slotCount;
  const bodyRow = `snapshot/${place}`;
  const slotRow = (index: number) => `snapshot-slot/${place}/${bodyDigest}/${index}`;

  // Sealed as something else than a key: a peer's own key never reads as a time.
  const timeRow = (index: number) => `snapshot-time/${place}/${bodyDigest}/${index}`;

  async function writeSlots(
    publicKeys: readonly string[],
    { sync, time }: { sync: boolean; time?: number | undefined },
  ): Promise<void> {
    const count = publicKeys.length + (time === undefined ? 0 : 1);
    const bytes = new Uint8Array(count * slotLength);
    for (const [at, publicKey] of publicKeys.entries()) {
      bytes.set(await sealer.seal(decodeKey(publicKey), slotRow(used + at)), at * slotLength);
    }
    if (time !== undefined) {
      const sealed = await sealer.seal(encodeTime(time), timeRow(used + count - 1));
      bytes.set(sealed, (count - 1) * slotLength);
    }
    try {
      using file = await Deno.open(path, { write: true });
      await file.seek(stripAt + used * slotLength, Deno.SeekMode.Start);
      await writeAll(file, bytes);
      if (sync) await file.syncData();
    } catch (error) {
      throw failed("written to", path, error);
    }
    used += count;
  }

  return {
    get free() {
      return slotCount - used;
    },
    async read() {
      const bytes = await readPrivate(path);
      if (!bytes) return null;
      const length = new DataView(bytes.buffer).byteLength < headLength
        ? -1
        : new DataView(bytes.buffer).getUint32(magic.length);
      const strip = headLength + length;
      if (
        length < 0 || !magic.every((byte, at) => bytes[at] === byte) ||
        bytes.length !== strip + slotCount * slotLength
      ) throw refused(path, "is damaged or cut off");
      const sealed = bytes.slice(headLength, strip);
      let body: Uint8Array<ArrayBuffer> | undefined;
      for (const each of [newest, ...older]) {
        body = await opened(each, sealed, bodyRow);
        sealer = each;
        if (body) break;
      }
      if (!body) throw refused(path, "is damaged, or of another interface or key");
      bodyDigest = await digestOf(sealed);
      stripAt = strip;
      const struck = new Set<string>();
      let time = 0;
      used = 0;
      for (let index = 0; index < slotCount; index++) {
        const slot = bytes.slice(strip + index * slotLength, strip + (index + 1) * slotLength);
        if (slot.every((byte) => byte === 0)) continue;
        const sealed = slot.slice(0, 61);
        const key = index === used && await opened(sealer, sealed, slotRow(index));
        const noted = index === used && !key && await opened(sealer, sealed, timeRow(index));
        if (key) struck.add(encodeKey(key));
        else if (noted) time = Math.max(time, decodeTime(noted));
        else throw refused(path, "is damaged where removals are noted");
        used = index + 1;
      }
      return { body, struck, time, complete: !struck.delete(incomplete) };
    },
    async write(body) {
      const sealed = await newest.seal(body, bodyRow);
      const bytes = new Uint8Array(headLength + sealed.length + slotCount * slotLength);
      bytes.set(magic);
      new DataView(bytes.buffer).setUint32(magic.length, sealed.length);
      bytes.set(sealed, headLength);
      await replaceFile(path, bytes);
      sealer = newest;
      bodyDigest = await digestOf(sealed);
      stripAt = headLength + sealed.length;
      // Until the folder is synced, a crash may bring the file before back, which knows nothing of these slots.
      used = slotCount;
      try {
        await syncFolder(dirname(path));
      } catch (error) {
        throw failed("written", path, error);
      }
      used = 0;
    },
    strike: (publicKeys, time) => writeSlots(publicKeys, { sync: true, time }),
    markIncomplete: () => writeSlots([incomplete], { sync: false }),
    async unlink() {
      used = slotCount;
      try {
        await Deno.remove(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw failed("removed", path, error);
      }
      try {
        await syncFolder(dirname(path));
      } catch (error) {
        throw failed("removed", path, error);
      }
    },
  };
}

/** As long as a key, so that all slots are alike. */
function encodeTime(time: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setFloat64(0, time);
  return bytes;
}

function decodeTime(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
}

async function opened(sealer: Sealer, sealed: Uint8Array, row: string) {
  try {
    return await sealer.open(sealed, row);
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function readPrivate(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const { isFile, mode } = await Deno.lstat(path);
    if (!isFile) throw refused(path, "is not a file");
    if (((mode ?? 0) & 0o077) !== 0) throw refused(path, "may be read by others than its owner");
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof SnapshotError) throw error;
    throw failed("read", path, error);
  }
}

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  try {
    // What a killed process left there is not more than a beginning.
    await Deno.remove(temporary).catch(() => {});
    {
      using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
      await writeAll(file, bytes);
      await file.sync();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw failed("written", path, error);
  }
}

function refused(path: string, what: string): SnapshotError {
  return new SnapshotError(`the snapshot ${path} ${what}; it is not used`);
}

function failed(what: string, path: string, error: unknown): SnapshotError {
  const reason = error instanceof Error ? error.message.replace(/ \(os error.*/, "") : "unknown";
  return new SnapshotError(`the snapshot ${path} cannot be ${what} (${reason})`);
}
