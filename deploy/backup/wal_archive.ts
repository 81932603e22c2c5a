import { Decrypter, Encrypter } from "age-encryption";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { absent } from "../../lib/absent.ts";
import { syncFolder, writeAll } from "../../lib/durable_file.ts";
import { BackupError } from "./error.ts";

/** Of what is archived: a segment, a history of timelines, or a note of a backup. `age -d | gunzip` gives it back. */
const suffix = ".gz.age";
const archived = /^([0-9A-F]{24}|[0-9A-F]{8}\.history|[0-9A-F]{24}\.[0-9A-F]{8}\.backup)$/;

/** Where the embedded server's finished WAL goes, and who can read it there. */
export interface WalArchive {
  folder: string;
  /** Of age. */
  recipients: readonly string[];
}

/**
 * A line for PostgreSQL's `archive_command`, which runs as the server's user.
 * @param cache a folder of that user's
 */
export function archiveCommand({ folder, recipients }: WalArchive, cache: string): string {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const word = (text: string) => `'${text.replaceAll("'", `'\\''`).replaceAll("%", "%%")}'`;
  return [
    ...[`BACKUP_RECIPIENTS=${word(recipients.join(","))}`, `DENO_DIR=${word(cache)}`],
    ...["DENO_NO_UPDATE_CHECK=1 exec", word(Deno.execPath()), "run --quiet --no-prompt"],
    ...["--cached-only", word(`--config=${here("../../deno.json")}`), "-P=archive"],
    ...[word(`--allow-write=${folder}`), word(here("./archive_wal.ts"))],
    ...[`"%p"`, word(folder)],
  ].join(" ");
}

/**
 * Puts a file of a server's WAL into an archive, encrypted. Once this resolves, it is there whole and on the disk; until
 * then the server keeps its own. What is there already is never replaced: the same again is fine, as after a crash, and
 * anything else is refused. Which it is, a digest beside it tells, because nobody here can read the archive.
 */
export async function archiveWal(path: string, { folder, recipients }: WalArchive): Promise<void> {
  const name = basename(path);
  if (!archived.test(name)) throw new BackupError(`${name} is no file of WAL`);
  if (recipients.length === 0) throw new BackupError("BACKUP_RECIPIENTS: is required");
  const target = join(folder, name + suffix);
  const digestFile = join(folder, `${name}.sha256`);
  const digest = await digestOf(path);
  if (await Deno.stat(target).catch(absent)) {
    if ((await Deno.readTextFile(digestFile)).trim() === digest) return;
    throw new BackupError(`${target} is there, and is of something else`);
  }
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  using segment = await Deno.open(path);
  const plain = segment.readable.pipeThrough(new CompressionStream("gzip"));
  await write(digestFile, [new TextEncoder().encode(`${digest}\n`)]);
  await write(target, await encrypter.encrypt(plain));
  await syncFolder(folder);
}

/** The names that an archive has, without what marks them as its own. */
export async function* namesInArchive(folder: string): AsyncGenerator<string> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    const plain = name.slice(0, -suffix.length);
    if (isFile && name.endsWith(suffix) && archived.test(plain)) yield plain;
  }
}

/** Where a piece stands in the WAL, whatever its timeline: a server that was set back goes on under a new one. */
const place = (name: string) => name.slice(8, 24);

/**
 * Takes away what no recovery from these backups or from a later one can need: pieces before the first of `begins`, with
 * their digests and the notes of backups before it. Histories of timelines stay.
 * @param begins the segment of WAL that each backup begins with
 * @returns how many pieces went
 */
export async function clearArchive(folder: string, begins: readonly string[]): Promise<number> {
  const first = begins.map(place).sort()[0];
  if (first === undefined) return 0;
  let count = 0;
  const isOld = (name: string) =>
    archived.test(name) && !name.endsWith(".history") && place(name) < first;
  // The piece before its digest: one without the other is what a kill may leave, and what archiving begins anew.
  for (const ending of [suffix, ".sha256"]) {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !name.endsWith(ending) || !isOld(name.slice(0, -ending.length))) continue;
      await Deno.remove(join(folder, name));
      if (ending === suffix) count++;
    }
  }
  return count;
}

/** @throws {BackupError} where no identity opens it, or it is not what was written */
export async function readArchived(
  folder: string,
  { name, decrypter, target }: { name: string; decrypter: Decrypter; target: string },
): Promise<void> {
  const path = join(folder, name + suffix);
  const file = await Deno.open(path);
  try {
    const compressed = await decrypter.decrypt(file.readable);
    await write(
      target,
      compressed.pipeThrough(copies()).pipeThrough(new DecompressionStream("gzip")),
    );
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new BackupError(
      said.startsWith("no identity matched")
        ? `no identity that was given opens ${path}`
        : `${path} cannot be trusted: it is damaged or cut off`,
    );
  }
}

/** As the next stream wants them. */
function copies() {
  return new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
    transform: (part, next) => next.enqueue(new Uint8Array(part)),
  });
}

/** Whole and on the disk, or not there under its name. */
async function write(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const fresh = `${path}.new`;
  using file = await Deno.open(fresh, { write: true, create: true, truncate: true, mode: 0o600 });
  for await (const part of parts) await writeAll(file, part);
  await file.sync();
  await Deno.rename(fresh, path);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const part of file.readable) hash.update(part);
  return hash.digest("hex");
}
