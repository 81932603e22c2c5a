import { Decrypter } from "age-encryption";
import { createHash } from "node:crypto";
import type { Secret } from "../../lib/secret.ts";
import { BackupError } from "./error.ts";
import { type Manifest, manifestPath, manifestSchema } from "./manifest.ts";
import { type Entry, readTar } from "./tar.ts";

/**
 * The entries of an encrypted backup.
 * @param identities of age, as `age-keygen` writes them, comments and all
 * @throws {BackupError} where no identity opens it, or the file is not what was written
 */
export async function* openBackup(
  file: string,
  identities: Secret<string>,
): AsyncGenerator<Entry> {
  const decrypter = decrypterOf(identities);
  const handle = await Deno.open(file);
  let plain: ReadableStream<Uint8Array>;
  try {
    plain = await decrypter.decrypt(handle.readable);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new BackupError(
      said.startsWith("no identity matched")
        ? `no identity that was given opens ${file}`
        : `${file} is no backup, or its beginning is damaged`,
    );
  }
  yield* readTar(decrypted(plain, file));
}

/** @param identities of age, as `age-keygen` writes them, comments and all @throws {BackupError} where there is none */
export function decrypterOf(identities: Secret<string>): Decrypter {
  const decrypter = new Decrypter();
  const keys = identities.reveal().split(/\s+/).filter((word) => /^AGE-SECRET-KEY-/i.test(word));
  if (keys.length === 0) throw new BackupError("no identity of age was given (AGE-SECRET-KEY-…)");
  for (const key of keys) {
    try {
      decrypter.addIdentity(key.toUpperCase());
    } catch {
      throw new BackupError("what was given as an identity of age is none");
    }
  }
  return decrypter;
}

/** What the library says when a part does not decrypt tells no more than this. */
async function* decrypted(
  plain: ReadableStream<Uint8Array>,
  file: string,
): AsyncGenerator<Uint8Array> {
  try {
    yield* plain;
  } catch {
    throw new BackupError(`${file} cannot be trusted: it is damaged or cut off`);
  }
}

/**
 * Reads a backup to its end: that it decrypts, that it has what its manifest names and nothing else, and that each
 * file is what was hashed when it was made.
 */
export async function verifyBackup(file: string, identities: Secret<string>): Promise<Manifest> {
  const found = new Map<string, { size: number; sha256: string }>();
  let manifest: Manifest | undefined;
  for await (const entry of openBackup(file, identities)) {
    if (manifest) throw new BackupError(`${file}: something follows the manifest`);
    if (entry.path === manifestPath) {
      manifest = parseManifest(await text(entry));
      continue;
    }
    if (entry.folder) continue;
    if (found.has(entry.path)) throw new BackupError(`${file}: ${entry.path} is there twice`);
    const hash = createHash("sha256");
    for await (const part of entry.content) hash.update(part);
    found.set(entry.path, { size: entry.size, sha256: hash.digest("hex") });
  }
  if (!manifest) throw new BackupError(`${file} has no manifest`);
  for (const { path, size, sha256 } of manifest.files) {
    const is = found.get(path);
    if (is?.size !== size || is.sha256 !== sha256) {
      throw new BackupError(`${file}: ${path} is not what the manifest says`);
    }
    found.delete(path);
  }
  const [extra] = found.keys();
  if (extra !== undefined) throw new BackupError(`${file}: ${extra} is not in the manifest`);
  return manifest;
}

function parseManifest(json: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(json));
  } catch {
    throw new BackupError("the manifest is not one that this version reads");
  }
}

async function text({ content, size }: Entry): Promise<string> {
  if (size > 64 * 2 ** 20) throw new BackupError("the manifest is too large");
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of content) parts.push(part.slice());
  return await new Blob(parts).text();
}
