import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import settings from "../../deno.json" with { type: "json" };
import { startEmbedded } from "../../db/embedded.ts";
import { ConfigError } from "../../lib/env.ts";
import type { Secret } from "../../lib/secret.ts";
import { archiveCommand, type WalArchive } from "../backup/wal_archive.ts";
import { heapFlags as apiHeap } from "../../api/process/heap.ts";
import { heapFlags } from "../../wgd/heap.ts";
import { startChild } from "./child.ts";
import type { DataFolder } from "./data_folder.ts";
import { apiUid, databaseUid, type DropOptions, type Identity, sealerUid } from "./identity.ts";
import { answersOk, socketFetch } from "./socket_http.ts";
import type { Service } from "./supervise.ts";
import type { Terminal } from "./terminal.ts";

/** The folder of the program itself. */
export const projectFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

interface Shared {
  folder: DataFolder;
  identity: Identity;
  terminal: Terminal;
}

/** The embedded PostgreSQL. */
export function postgresService(
  { folder, identity, terminal, superuserPassword, walArchive, startTimeoutMs, ownRules }:
    & Shared
    & {
      superuserPassword: Secret<string>;
      ownRules?: boolean;
      startTimeoutMs?: number | undefined;
      walArchive?: WalArchive | undefined;
    },
): Service {
  return {
    name: "postgres",
    async start() {
      const server = await startEmbedded({
        dataFolder: folder.postgres,
        socketFolder: folder.sockets.postgres,
        superuserPassword,
        ...(walArchive === undefined
          ? {}
          : { archiveCommand: archiveCommand(walArchive, folder.cache.postgres) }),
        ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
        ...(ownRules === undefined ? {} : { ownRules }),
        onLine: (line) => {
          if (!line.startsWith("LOG:")) terminal.child("postgres", line);
        },
        user: {
          uid: Deno.uid() === 0 ? databaseUid : Deno.uid() ?? 0,
          runAs: (uid, argv) => identity.drop(argv, { uid, deathSignal: "INT" }),
        },
      });
      return { exited: server.exited.then(() => "stopped answering"), stop: () => server.stop() };
    },
  };
}

export interface ProgramOptions extends Shared {
  /** Its whole environment, but for Deno's own. */
  env: Record<string, string>;
  /** Where the database's Unix socket is, when it has one. */
  databaseFolders: readonly string[];
  /** Restart it when a source file changes. */
  watch?: boolean;
}

/** The API, as a user of its own without any capability. */
export function apiService(options: ProgramOptions): Service {
  const { folder, terminal } = options;
  const { operator, wgd, sealer } = folder.sockets;
  const sockets = [operator, wgd, sealer, ...options.databaseFolders];
  const mail = options.env["MAIL_FOLDER"] ?? folder.mail;
  return {
    name: "api",
    start: (signal) =>
      startChild({
        argv: denoArgv(options, {
          entry: "api/main.ts",
          set: "api",
          flags: [apiHeap],
          read: [folder.secrets.api, ...secretFiles(options.env), ...sockets],
          write: [...sockets, mail],
          drop: { uid: apiUid, deathSignal: "TERM" },
        }),
        cwd: projectFolder,
        env: { ...options.env, ...denoEnv(folder.cache.api) },
        onLine: (line) => terminal.child("api", line),
        ...patience(options),
        stopTimeoutMs: 15_000 + Number(options.env["DRAIN_SECONDS"] ?? 0) * 1000,
        isReady: () => answersOk(join(operator, "api.sock"), "/health"),
      }, signal),
  };
}

/** The sealer of the audit log, as a user of its own: nobody else can read the key that it signs with. */
export function sealerService(options: ProgramOptions): Service {
  const { folder, terminal, env } = options;
  const own = [
    folder.sockets.sealer,
    env["AUDIT_CHECKPOINTS"] ?? folder.audit,
    ...options.databaseFolders,
  ];
  return {
    name: "sealer",
    start: (signal) =>
      startChild({
        argv: denoArgv(options, {
          entry: "sealer/main.ts",
          set: "sealer",
          read: [folder.secrets.sealer, ...secretFiles(env), ...own],
          write: own,
          drop: { uid: sealerUid, deathSignal: "TERM" },
        }),
        cwd: projectFolder,
        env: { ...env, ...denoEnv(folder.cache.sealer) },
        onLine: (line) => terminal.child("sealer", line),
        ...patience(options),
        isReady: () => answersOk(join(folder.sockets.sealer, "sealer.sock"), "/v1/status"),
      }, signal),
  };
}

/** The daemon, as root with the one capability that it needs. */
export function wgdService(options: ProgramOptions): Service {
  const { folder, terminal } = options;
  return {
    name: "wgd",
    start: (signal) =>
      startChild({
        argv: wgdArgv(options, "wgd/main.ts"),
        cwd: projectFolder,
        env: { ...options.env, ...denoEnv(folder.cache.wgd) },
        onLine: (line) => terminal.child("wgd", line),
        ...patience(options),
        isReady: () => hasInterface(join(folder.sockets.wgd, "wgd.sock")),
      }, signal),
  };
}

/** Deno's watcher hands SIGTERM on, says so when the program has ended, and waits for the next change. */
export function patience({ watch }: Pick<ProgramOptions, "watch">): { overWith?: RegExp } {
  return watch ? { overWith: /^Watcher Process (finished|failed)\b/ } : {};
}

const daemonStatus = z.object({ interface: z.object({ up: z.boolean() }) });

async function hasInterface(socket: string): Promise<boolean> {
  try {
    const { body } = await socketFetch(socket, "/v1/status", { timeoutMs: 2_000 });
    return daemonStatus.parse(body).interface.up;
  } catch {
    return false;
  }
}

/** Takes the interface and its firewall table away, after the daemon has ended. */
export async function takeTunnelDown(options: ProgramOptions): Promise<void> {
  const { folder, terminal } = options;
  let last = "";
  const running = await startChild({
    argv: wgdArgv({ ...options, watch: false }, "wgd/down.ts"),
    cwd: projectFolder,
    env: { ...options.env, ...denoEnv(folder.cache.wgd) },
    onLine: (line) => {
      last = line;
      terminal.child("wgd", line);
    },
    isReady: () => Promise.resolve(true),
  }, new AbortController().signal);
  const ending = await running.exited;
  if (ending !== "exit code 0") throw new Error(`the tunnel was not taken down: ${last || ending}`);
}

function wgdArgv(options: ProgramOptions, entry: string): string[] {
  const { folder, env } = options;
  const own = [
    folder.sockets.wgd,
    ...options.databaseFolders,
    env["WGD_LOCK_FOLDER"] ?? folder.locks,
    // The key is written beside its place first.
    dirname(env["WG_KEY_FILE"] ?? folder.wgd),
  ];
  return denoArgv(options, {
    entry,
    set: "wgd",
    flags: [heapFlags],
    read: [folder.secrets.wgd, ...secretFiles(env), ...own],
    write: own,
    drop: { uid: 0, capabilities: ["net_admin"], deathSignal: "TERM" },
  });
}

/** The files that settings name, wherever somebody keeps them. */
function secretFiles(env: Record<string, string>): string[] {
  return Object.entries(env).filter(([name]) => name.endsWith("_FILE")).map(([, path]) => path);
}

interface Program {
  entry: string;
  set: "api" | "wgd" | "sealer";
  /** Of Deno itself. */
  flags?: string[];
  read: string[];
  write: string[];
  drop: DropOptions;
}

/** Deno's lists of paths are parted by commas, and have no way to write one. */
function withoutComma(path: string): string {
  if (path.includes(",")) throw new ConfigError([`${path}: a path with a comma cannot be used`]);
  return path;
}

function denoArgv({ identity, watch = false }: ProgramOptions, program: Program): string[] {
  const set = settings.permissions[program.set];
  // A flag replaces the list of the permission set, so it has to name what stands there as well.
  const list = (paths: readonly string[]) =>
    paths.map((path) => withoutComma(join(path.startsWith(".") ? projectFolder : "", path)))
      .join(",");
  return identity.drop([
    Deno.execPath(),
    "run",
    ...(watch ? ["--watch"] : []),
    ...(program.flags ?? []),
    ...["--no-prompt", "--cached-only", `--config=${join(projectFolder, "deno.json")}`],
    `-P=${program.set}`,
    `--allow-read=${list([...set.read, ...program.read])}`,
    `--allow-write=${list([...set.write, ...program.write])}`,
    join(projectFolder, program.entry),
  ], program.drop);
}

function denoEnv(cache: string): Record<string, string> {
  return { DENO_DIR: cache, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
}
