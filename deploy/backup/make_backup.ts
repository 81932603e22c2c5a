import { Encrypter } from "age-encryption";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { databaseUrl } from "../../db/roles.ts";
import { absent } from "../../lib/absent.ts";
import { syncFolder, writeAll } from "../../lib/durable_file.ts";
import { Secret } from "../../lib/secret.ts";
import { socketFolder } from "../../lib/socket_folder.ts";
import { version } from "../../lib/version.ts";
import type { BackupConfig } from "./config.ts";
import { databaseFiles, type DatabaseNotes, type DatabaseSource } from "./database.ts";
import { BackupError } from "./error.ts";
import { databaseDump } from "./dump.ts";
import { walk } from "./files.ts";
import { type Manifest, manifestEntry, noting } from "./manifest.ts";
import { backupName, backupTime, pastRetention } from "./retention.ts";
import { type Entry, writeTar } from "./tar.ts";
import { clearArchive } from "./wal_archive.ts";

export interface Backup {
  file: string;
  size: number;
  manifest: Manifest;
  /** Names of the backups that retention took away. */
  dropped: string[];
  /** How many pieces of archived WAL went with them; or which backup does not say what it needs, so that all stay. */
  cleared: number | { unknown: string };
}

const partial = ".partial";
/** What ends the name of a note beside a backup: the segment of WAL that it begins with. */
const beginNote = ".wal";
/** In the note of one that no WAL goes on from. */
const noWal = "none";

/**
 * Makes one backup of everything that cannot be made again: the database, the secrets, the gateway's key and the
 * checkpoints of the audit log. It appears under its name whole or not at all, and the older ones go after that.
 */
export async function makeBackup(config: BackupConfig, now = () => new Date()): Promise<Backup> {
  if (config.recipients.length === 0) throw new BackupError("BACKUP_RECIPIENTS: is required");
  const encrypter = new Encrypter();
  for (const recipient of config.recipients) encrypter.addRecipient(recipient);
  await Deno.mkdir(config.folder, { recursive: true, mode: 0o700 });
  using _lock = await lockFolder(config.folder);
  await clearPartials(config.folder);
  const began = now();
  const manifest: Manifest = {
    format: 1,
    version: version,
    created_at: began.toISOString(),
    database: {
      kind: config.ownerUrl && !config.postgres ? "dump" : "files",
      server: "",
      architecture: Deno.build.arch,
      migrations: [],
      start_lsn: "",
      stop_lsn: "",
    },
    files: [],
  };
  const file = join(config.folder, backupName(began));
  const fresh = file + partial;
  let size = 0;
  try {
    using out = await Deno.open(fresh, { write: true, createNew: true, mode: 0o600 });
    const plain = ReadableStream.from(writeTar(entries(config, manifest)));
    for await (const part of await encrypter.encrypt(plain)) {
      await writeAll(out, part);
      size += part.length;
    }
    await out.sync();
    // Beside it, because nobody here can read a backup; and first: one without it keeps the whole archive.
    await Deno.writeTextFile(file + beginNote, `${manifest.database.start_wal ?? noWal}\n`, {
      mode: 0o600,
    });
    await Deno.rename(fresh, file);
  } catch (error) {
    await Deno.remove(fresh).catch(() => {});
    throw error;
  }
  await syncFolder(config.folder);
  const seconds = (now().getTime() - began.getTime()) / 1000;
  const dropped = await dropOld(config);
  if (config.metrics) {
    const { bavail, bsize } = await statfs(config.folder);
    await writeMetrics(config.metrics, { at: began, seconds, size, free: bavail * bsize });
  }
  const cleared = config.walArchive === undefined ? 0 : await clearWal(config.walArchive, config);
  return { file, size, manifest, dropped, cleared };
}

async function clearWal(archive: string, { folder }: BackupConfig): Promise<Backup["cleared"]> {
  const begins: string[] = [];
  for (const name of (await namesIn(folder)).filter(backupTime)) {
    const note = (await Deno.readTextFile(join(folder, name + beginNote)).catch(absent))?.trim();
    if (note === noWal) continue;
    if (note === undefined || !/^[0-9A-F]{24}$/.test(note)) return { unknown: name };
    begins.push(note);
  }
  return await clearArchive(archive, begins);
}

async function* entries(config: BackupConfig, manifest: Manifest): AsyncGenerator<Entry> {
  yield* noting(content(config, manifest.database), manifest.files);
  yield manifestEntry(manifest);
}

async function* content(config: BackupConfig, notes: DatabaseNotes): AsyncGenerator<Entry> {
  const data = config.dataFolder;
  const audit = new Map<string, number>();
  // Only ever appended to: their length at that moment is what the database of that moment knows of.
  const atEnd = async () => {
    for await (const { path, folder, size } of walk(join(data, "audit"), "audit")) {
      if (!folder) audit.set(path, size);
    }
  };
  yield* notes.kind === "dump" && config.ownerUrl
    ? databaseDump(config.ownerUrl, { path: config.path, notes, atEnd })
    : databaseFiles(await source(config), { notes, atEnd });
  yield* walk(join(data, "audit"), "audit", { sizes: audit });
  yield* walk(join(data, "secrets"), "secrets", { wanted: (path) => !path.endsWith(".new") });
  // The daemon's snapshot is made anew: an old one could bring a revoked key back before the database speaks.
  yield* walk(join(data, "wgd"), "wgd", {
    wanted: (path) => path === "wgd" || path.startsWith("wgd/gateway.key"),
  });
}

async function source(
  { dataFolder, postgres, superuserUrl }: BackupConfig,
): Promise<DatabaseSource> {
  if (postgres && superuserUrl) {
    const url = new URL(superuserUrl.reveal());
    url.pathname = "/massacorp";
    return { superuserUrl: new Secret(url.href), folder: postgres };
  }
  const password = await Deno.readTextFile(
    join(dataFolder, "secrets/supervisor/postgres_password"),
  );
  return {
    superuserUrl: databaseUrl({
      role: "postgres",
      password: new Secret(password.trim()),
      socketFolder: join(socketFolder(dataFolder, Deno.uid()), "postgres"),
      database: "massacorp",
    }),
    folder: join(dataFolder, "postgres"),
  };
}

async function lockFolder(folder: string): Promise<Disposable> {
  const lock = await Deno.open(join(folder, "lock"), { create: true, write: true, mode: 0o600 });
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new BackupError(`another backup is being made in ${folder}`);
}

/** Of backups that were killed, and notes of those that somebody took away. */
async function clearPartials(folder: string): Promise<void> {
  const names = await namesIn(folder);
  for (const name of names) {
    const isPartial = name.endsWith(partial) && backupTime(name.slice(0, -partial.length));
    const noted = name.slice(0, -beginNote.length);
    const isLost = name.endsWith(beginNote) && backupTime(noted) && !names.includes(noted);
    if (isPartial || isLost) await Deno.remove(join(folder, name));
  }
}

async function dropOld({ folder, keep }: BackupConfig): Promise<string[]> {
  const old = pastRetention(await namesIn(folder), keep);
  for (const name of old) {
    await Deno.remove(join(folder, name));
    await Deno.remove(join(folder, name + beginNote)).catch(absent);
  }
  return old;
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) if (isFile) names.push(name);
  return names;
}

/** As node-exporter's textfile collector reads it. */
async function writeMetrics(
  path: string,
  { at, seconds, size, free }: { at: Date; seconds: number; size: number; free: number },
): Promise<void> {
  const metric = (name: string, help: string, value: number) =>
    `# HELP massacorp_backup_${name} ${help}\n# TYPE massacorp_backup_${name} gauge\nmassacorp_backup_${name} ${value}\n`;
  const text = [
    metric(
      "last_success_timestamp_seconds",
      "When the newest backup was begun.",
      Math.floor(at.getTime() / 1000),
    ),
    metric("last_duration_seconds", "How long the newest backup took.", seconds),
    metric("last_size_bytes", "The size of the newest backup.", size),
    metric("folder_free_bytes", "Room where backups go, after the newest one.", free),
  ].join("");
  const fresh = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(fresh, text, { mode: 0o644 });
  await Deno.rename(fresh, path);
}
