import { join } from "node:path";
import { absent } from "../../lib/absent.ts";
import { connect } from "../../db/connection.ts";
import { bootstrap } from "../../db/roles.ts";
import { migrate, readMigrations } from "../../db/migrate.ts";
import { syncFolder, writeAll } from "../../lib/durable_file.ts";
import type { Secret } from "../../lib/secret.ts";
import { type DataFolder, openDataFolder, unfinishedRestore } from "../local/data_folder.ts";
import { createIdentity, databaseUid } from "../local/identity.ts";
import { databaseSecrets, writeSecretFile } from "../local/secrets.ts";
import { postgresService, projectFolder } from "../local/services.ts";
import type { Terminal } from "../local/terminal.ts";
import { BackupError } from "./error.ts";
import type { Manifest } from "./manifest.ts";
import { openBackup, verifyBackup } from "./open_backup.ts";
import { loadDump, requireEmpty, requireRestore } from "./load_dump.ts";
import { bringCheckpoints, finishRecovery, prepareRecovery, type Recovery } from "./recovery.ts";
import { settle, type Settled, type SettleOptions } from "./settle.ts";

export interface RestoreOptions extends Omit<SettleOptions, "backupAt"> {
  dataFolder: string;
  /** Of a server that somebody else runs, for a backup by pg_dump; the embedded one's where undefined. */
  ownerUrl: Secret<string> | undefined;
  /** Where pg_restore is looked for. */
  path: string;
  /** Go on from the backup to a later moment. */
  recovery?: Recovery | undefined;
  /** Move what is in the folder aside, instead of refusing. */
  replace: boolean;
  terminal: Terminal;
  now?: () => Date;
}

/** Weeks of WAL take hours. */
const longestRecoveryMs = 24 * 3600_000;

/** What a backup brings back, as folders of the data folder. */
const parts = ["postgres", "secrets", "wgd", "audit"] as const;

/**
 * Puts a backup into a data folder. Everything is checked before anything is touched; until all is done, the folder
 * says so to whoever opens it, and the same call may be repeated.
 */
export async function restore(
  file: string,
  identities: Secret<string>,
  options: RestoreOptions,
): Promise<{ manifest: Manifest; settled: Settled; aside: string | undefined }> {
  const { dataFolder, terminal, now = () => new Date() } = options;
  const manifest = await verifyBackup(file, identities);
  terminal.step("backup", `of ${manifest.created_at}, whole: ${manifest.files.length} files`);
  await requireFitting(manifest, options, now());
  const marker = join(dataFolder, unfinishedRestore);
  using folder = await openDataFolder(dataFolder, { restoring: true });
  let state = await readMarker(marker);
  if (!state) {
    const hasData = await anyFile(folder);
    if (hasData && !options.replace) {
      throw new BackupError(
        `${dataFolder} has data (${hasData}): name an empty folder, or say --replace to have it moved aside`,
      );
    }
    if (options.ownerUrl) await requireEmpty(options.ownerUrl);
    const stamp = now().toISOString().replace(/[-:]|\.\d{3}/g, "");
    state = { aside: hasData ? join(dataFolder, `before-restore-${stamp}`) : null };
    await writeSecretFile(marker, JSON.stringify(state));
    await syncFolder(dataFolder);
  }
  if (state.aside && !state.moved) {
    await moveAside(dataFolder, state.aside);
    state = { ...state, moved: true };
    await writeSecretFile(marker, JSON.stringify(state));
  }
  for (const part of parts) await remove(join(dataFolder, part));
  await extract(file, identities, { dataFolder, manifest });
  terminal.step("files", `in ${dataFolder}`);
  const settled = await settleDatabase(manifest, { ...options, folder, file, identities });
  await syncFolder(dataFolder);
  await Deno.remove(marker);
  await syncFolder(dataFolder);
  return { manifest, settled, aside: state.aside ?? undefined };
}

async function requireFitting(
  { created_at, database }: Manifest,
  { ownerUrl, recovery, path }: RestoreOptions,
  now: Date,
): Promise<void> {
  if (recovery && (database.kind === "dump" || recovery.until < new Date(created_at))) {
    throw new BackupError(
      "--until: needs a backup of the server's files that is older than that moment",
    );
  }
  const known = new Set((await readMigrations()).map(({ id }) => id));
  const unknown = database.migrations.find((id) => !known.has(id));
  if (unknown !== undefined) {
    throw new BackupError(
      `the backup has migration ${unknown}, which this version does not know: bring the version that made it, or a newer one`,
    );
  }
  // A clock that is behind would let in again who had expired.
  if (Date.parse(created_at) > now.getTime()) {
    throw new BackupError(
      `the backup is of ${created_at}, and this machine's clock says ${now.toISOString()}: set the clock first`,
    );
  }
  if (database.kind === "dump") {
    if (ownerUrl) return await requireRestore(ownerUrl, path);
    throw new BackupError(
      "the backup is by pg_dump: name an empty database for it in DATABASE_OWNER_URL",
    );
  }
  if (ownerUrl) {
    throw new BackupError("the backup is of the server's files: unset DATABASE_OWNER_URL");
  }
  const { architecture, server } = database;
  if (architecture !== Deno.build.arch || parseInt(server) !== 16) {
    throw new BackupError(
      `the backup is of PostgreSQL ${server} on ${architecture}: needs 16 on the same architecture`,
    );
  }
}

interface Marker {
  aside: string | null;
  moved?: boolean;
}

async function readMarker(path: string): Promise<Marker | undefined> {
  const text = await Deno.readTextFile(path).catch(absent);
  return text === undefined ? undefined : JSON.parse(text);
}

/** The first file found where a backup's would go. */
async function anyFile({ root }: DataFolder): Promise<string | undefined> {
  const find = async (folder: string): Promise<string | undefined> => {
    try {
      for await (const { name, isDirectory } of Deno.readDir(folder)) {
        const path = join(folder, name);
        const found = isDirectory ? await find(path) : path;
        if (found) return found;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return undefined;
  };
  for (const part of parts) {
    const found = await find(join(root, part));
    if (found) return found;
  }
  return undefined;
}

async function moveAside(root: string, aside: string): Promise<void> {
  await Deno.mkdir(aside, { recursive: true, mode: 0o700 });
  for (const part of parts) {
    await Deno.rename(join(root, part), join(aside, part)).catch(absent);
  }
  await syncFolder(root);
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(absent);
}

async function extract(
  file: string,
  identities: Secret<string>,
  { dataFolder, manifest }: { dataFolder: string; manifest: Manifest },
): Promise<void> {
  const root = Deno.uid() === 0;
  const expected = new Set(manifest.files.map(({ path }) => path));
  const folders: string[] = [];
  for await (const entry of openBackup(file, identities)) {
    const [part] = entry.path.split("/");
    if (!parts.some((each) => each === part)) continue;
    if (!entry.folder && !expected.has(entry.path)) {
      throw new BackupError(`${file} changed while it was read`);
    }
    const path = join(dataFolder, entry.path);
    const mode = entry.mode & 0o755;
    // Whoever ran that server, here it is the embedded one's user.
    const [uid, gid] = part === "postgres" ? [databaseUid, databaseUid] : [entry.uid, entry.gid];
    if (entry.folder) {
      await Deno.mkdir(path, { mode: 0o700 });
      folders.push(path);
    } else {
      using out = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      for await (const bytes of entry.content) await writeAll(out, bytes);
      await out.sync();
    }
    if (root) await Deno.chown(path, uid, gid);
    await Deno.chmod(path, mode);
  }
  for (const folder of folders.reverse()) await syncFolder(folder);
}

/** Brings the database to this version's schema, and ends what a backup must not bring back. */
async function settleDatabase(
  { created_at, database }: Manifest,
  options: RestoreOptions & { folder: DataFolder; file: string; identities: Secret<string> },
): Promise<Settled> {
  const { folder, terminal, file, identities } = options;
  await using undo = new AsyncDisposableStack();
  let ownerUrl = options.ownerUrl;
  if (!ownerUrl) {
    const secrets = await databaseSecrets(folder);
    const { recovery } = options;
    if (recovery) await prepareRecovery(folder.postgres, { ...recovery, identities });
    const identity = await createIdentity([projectFolder, folder.root, folder.sockets.postgres]);
    const superuserPassword = secrets.superuser;
    const service = postgresService({
      folder,
      identity,
      terminal,
      superuserPassword,
      ownRules: Deno.uid() === 0,
      ...(recovery ? { startTimeoutMs: longestRecoveryMs } : {}),
    });
    const server = await service.start(new AbortController().signal);
    undo.defer(() => server.stop());
    if (recovery) {
      await finishRecovery(folder.postgres, secrets.superuserUrl);
      terminal.step("recovered", `until ${recovery.until.toISOString()}`);
      if (recovery.checkpoints) {
        const { superuserUrl } = secrets;
        await bringCheckpoints(folder.audit, { from: recovery.checkpoints, superuserUrl });
      }
    }
    await bootstrap(secrets.superuserUrl, secrets.roles);
    ownerUrl = secrets.ownerUrl;
  }
  if (database.kind === "dump") {
    await loadDump(ownerUrl, { entries: openBackup(file, identities), path: options.path });
  }
  const owner = connect(ownerUrl, { max: 1, applicationName: "massacorp-restore" });
  undo.defer(() => owner.end({ timeout: 5 }));
  const applied = await migrate(owner);
  terminal.step("database", applied.length > 0 ? `${applied.length} migrations applied` : "whole");
  return await settle(owner, {
    backupAt: options.recovery?.until.toISOString() ?? created_at,
    keepSessions: options.keepSessions,
    revokeKeys: options.revokeKeys,
  });
}
