import { join } from "node:path";
import { absent } from "../../lib/absent.ts";
import { pauseFor } from "../../lib/pause.ts";
import { socketFolder } from "../../lib/socket_folder.ts";
import { apiUid, databaseUid, sealerUid } from "./identity.ts";

/** Where everything of one installation lies. Each folder can be entered by its user alone. */
export interface DataFolder {
  root: string;
  secrets: {
    /** The supervisor's own: the superuser's and the owner's password. */
    supervisor: string;
    api: string;
    wgd: string;
    sealer: string;
  };
  postgres: string;
  /** The gateway's private key. */
  wgd: string;
  /** Signed checkpoints of the audit log. */
  audit: string;
  /** What the newest backup says of itself; no secret. */
  backup: string;
  /** Mail that no server takes. */
  mail: string;
  /** The admin's first tunnel file. */
  admin: string;
  /** Deno's caches, one for each user that runs it. */
  cache: { api: string; wgd: string; sealer: string; postgres: string };
  sockets: {
    postgres: string;
    /** Only the API's user and root come in here. */
    operator: string;
    /** Made by the daemon; the folder's group lets the API in. */
    wgd: string;
    /** Made by the sealer; its group lets the API in. */
    sealer: string;
  };
  /** Where the daemon locks its interface; one place for the whole host, where there is root. */
  locks: string;
}

/** The folder cannot be used; the message says what to do. */
export class DataFolderError extends Error {
  override name = "DataFolderError";
}

export interface FolderOptions {
  /** Where the sockets are, instead of where `./massacorp up` has them. */
  run?: string;
  /** Users of what is the supervisor's where there is one: who migrates, and who makes the first admin. */
  owners?: { migrate: number; admin: number };
  /** For who restores a backup into it: nobody else opens a folder that is half restored. */
  restoring?: boolean;
}

/** In a data folder: a backup is being restored into it, and is not there as a whole. */
export const unfinishedRestore = "restore.unfinished";

/**
 * Makes what is missing of the data folder, and locks it: one supervisor a folder.
 * @throws {DataFolderError} when another supervisor has it, or it belongs to somebody else
 */
export async function openDataFolder(
  root: string,
  { run: runFolder, owners = { migrate: 0, admin: 0 }, restoring = false }: FolderOptions = {},
): Promise<DataFolder & Disposable> {
  const asRoot = Deno.uid() === 0;
  const folder = async (path: string, mode: number, owner?: { uid?: number; gid?: number }) => {
    await Deno.mkdir(path, { recursive: true });
    if (asRoot) await Deno.chown(path, owner?.uid ?? 0, owner?.gid ?? owner?.uid ?? 0);
    await Deno.chmod(path, mode);
    return path;
  };
  try {
    await Deno.mkdir(root, { recursive: true });
    const lock = await lockFolder(root);
    if (!restoring && await exists(join(root, unfinishedRestore))) {
      lock.close();
      throw new DataFolderError(
        `the restore of a backup into ${root} did not end: run ./massacorp restore again`,
      );
    }
    await folder(root, 0o711);
    const run = await makeSocketFolder(runFolder ?? socketFolder(root, Deno.uid()));
    const secrets = await folder(join(root, "secrets"), 0o711);
    const cache = await folder(join(root, "cache"), 0o711);
    return {
      root,
      secrets: {
        supervisor: await folder(join(secrets, "supervisor"), 0o700, { uid: owners.migrate }),
        api: await folder(join(secrets, "api"), 0o700, { uid: apiUid }),
        wgd: await folder(join(secrets, "wgd"), 0o700),
        sealer: await folder(join(secrets, "sealer"), 0o700, { uid: sealerUid }),
      },
      postgres: join(root, "postgres"),
      wgd: await folder(join(root, "wgd"), 0o700),
      audit: await folder(join(root, "audit"), 0o700, { uid: sealerUid }),
      backup: await folder(join(root, "backup"), 0o755),
      mail: await folder(join(root, "mail"), 0o700, { uid: apiUid }),
      admin: await folder(join(root, "admin"), 0o700, { uid: owners.admin }),
      cache: {
        api: await folder(join(cache, "api"), 0o700, { uid: apiUid }),
        wgd: await folder(join(cache, "wgd"), 0o700),
        sealer: await folder(join(cache, "sealer"), 0o700, { uid: sealerUid }),
        postgres: await folder(join(cache, "postgres"), 0o700, { uid: databaseUid }),
      },
      sockets: {
        postgres: await folder(join(run, "postgres"), 0o711, { uid: databaseUid }),
        operator: await folder(join(run, "operator"), 0o700, { uid: apiUid }),
        // The set-group-id bit hands the folder's group to the socket made in it.
        wgd: await folder(join(run, "wgd"), 0o2750, { gid: apiUid }),
        sealer: await folder(join(run, "sealer"), 0o2750, { uid: sealerUid, gid: apiUid }),
      },
      locks: asRoot ? await folder("/run/massacorp", 0o711) : run,
      [Symbol.dispose]: () => lock.close(),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new DataFolderError(
      `${root} belongs to another user (was it made as root?): run as that user, or name another folder in MASSACORP_DATA`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return (await Deno.lstat(path).catch(absent))?.isFile ?? false;
}

async function lockFolder(root: string): Promise<Disposable & { close(): void }> {
  const file = await Deno.open(join(root, "lock"), { create: true, write: true, mode: 0o600 });
  // A process that is about to be another program has every open file of ours for a moment, a lock that we let go included.
  for (let attempt = 0; attempt < 20; attempt++) {
    if (await file.tryLock(true)) return file;
    await pauseFor(25);
  }
  file.close();
  throw new DataFolderError(`another ./massacorp up runs on ${root}`);
}

async function makeSocketFolder(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  const found = await Deno.lstat(path);
  // In /tmp anybody could have been here first.
  if (!found.isDirectory || found.uid !== Deno.uid()) {
    throw new DataFolderError(`${path} is there already and is not ours`);
  }
  await Deno.chmod(path, Deno.uid() === 0 ? 0o711 : 0o700);
  return path;
}
