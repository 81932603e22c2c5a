import { statfsSync } from "node:fs";
import { createIdentity, databaseUid } from "../../deploy/local/identity.ts";
import { startEmbedded } from "../../db/embedded.ts";
import { Secret } from "../../lib/secret.ts";

/** The password of the superuser and of every role in test clusters. */
export const testPassword = new Secret("only-for-tests");
/** Where `tests/run.ts` tells the socket folder of the cluster that all test processes share. */
export const clusterVariable = "MASSACORP_TEST_CLUSTER";

/** Names a data folder that clusters begin as copies of, where making one takes long. */
export const preparedVariable = "MASSACORP_TEST_PREPARED";

export interface TestCluster {
  socketFolder: string;
  dataFolder: string;
  /** Shuts the server down and keeps its data, for `up()`. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** `kill -9` of the server; its data stay, for `up()`. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

interface ClusterOptions {
  durable?: boolean;
  inMemory?: boolean;
  archiveCommand?: string;
  /** The data folder of a server that is down, to begin as a copy of. */
  copyOf?: string;
  /** What is done to the data folder before the first start. */
  prepare?: (dataFolder: string) => Promise<void>;
  /** Each line that the server logs. */
  onLine?: (line: string) => void;
}

/**
 * Starts a real PostgreSQL of its own in a temporary folder, gone after `stop()`.
 * @param options.durable true where a test kills it and looks for what was acknowledged
 * @param options.inMemory true for who is sure to call `stop()`: what is left over would take memory from all
 */
export async function startTestCluster(
  { durable = false, inMemory = false, archiveCommand, copyOf, prepare, onLine }: ClusterOptions =
    {},
): Promise<TestCluster> {
  const dir = inMemory ? memoryFolder() : undefined;
  const folder = await Deno.makeTempDir({ prefix: "massacorp-test-pg-", ...(dir ? { dir } : {}) });
  await Deno.chmod(folder, 0o711);
  // Not beside the data: Deno lets nobody at anything under /dev who may not do everything.
  const socketFolder = await Deno.makeTempDir({ prefix: "massacorp-test-pg-socket-" });
  await Deno.chmod(socketFolder, 0o711);
  const dataFolder = `${folder}/data`;
  const prepared = copyOf ?? Deno.env.get(preparedVariable);
  if (prepared) await new Deno.Command("cp", { args: ["-a", prepared, dataFolder] }).output();
  await prepare?.(dataFolder);
  const root = Deno.uid() === 0;
  if (root) await Deno.chown(socketFolder, databaseUid, databaseUid);
  const identity = await createIdentity([Deno.cwd(), Deno.execPath(), folder, socketFolder]);
  const start = () =>
    startEmbedded({
      dataFolder,
      socketFolder,
      superuserPassword: testPassword,
      durable,
      ...(archiveCommand === undefined ? {} : { archiveCommand }),
      ...(onLine ? { onLine } : {}),
      ...(root
        ? {
          user: {
            uid: databaseUid,
            runAs: (uid, argv) => identity.drop(argv, { uid, deathSignal: "INT" }),
          },
        }
        : {}),
    });
  let server = await start();
  return {
    socketFolder,
    dataFolder,
    down: () => server.stop(),
    async up() {
      server = await start();
    },
    async kill() {
      Deno.kill(server.pid, "SIGKILL");
      await server.exited;
    },
    async stop() {
      await server.stop();
      await Deno.remove(folder, { recursive: true });
      await Deno.remove(socketFolder, { recursive: true });
    },
  };
}

/**
 * Starts one for a process that does not know when it will have no more need of it. The server has the death signal of
 * this process; whoever removes its folders afterwards outlives both.
 */
export async function startClusterOfThisProcess(): Promise<TestCluster> {
  const cluster = await startTestCluster();
  const [postmaster = ""] = (await Deno.readTextFile(`${cluster.dataFolder}/postmaster.pid`))
    .split("\n");
  const remove =
    'for pid in "$1" "$2"; do tail --pid="$pid" -f /dev/null; done; rm -rf -- "$3" "$4"';
  await new Deno.Command("setsid", {
    args: ["--fork", "sh", "-c", remove, "sh", `${Deno.pid}`, postmaster]
      .concat(cluster.dataFolder.replace(/\/data$/, ""), cluster.socketFolder),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return cluster;
}

/** Where files live in memory, if there is room: what nobody means to keep gains nothing from a disk. */
function memoryFolder(): string | undefined {
  const folder = "/dev/shm";
  const enough = 2 ** 31;
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= enough ? folder : undefined;
  } catch {
    return undefined;
  }
}
