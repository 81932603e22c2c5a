import { join } from "node:path";
import { type Outcome, outcomeOf, run } from "../../deploy/demo/run.ts";
import { type Namespaces, namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";

/** Images and base trees are kept here from run to run; made anew where somebody removes it. */
export const cacheFolder = "/var/tmp/massacorp-compose";

/** A Docker engine of the test's own, in a network namespace, with hosts outside of it. */
export interface Engine extends AsyncDisposable {
  /** `host` runs the engine; `client` and `laptop` hang on it by a cable. */
  hosts: Namespaces;
  docker(args: readonly string[], options?: { timeoutMs?: number }): Promise<string>;
  /** A line of shell in a folder, where `docker compose` is whichever Compose there is. */
  shell(folder: string, line: string): Promise<Outcome>;
  /** As a restart of the host's service does. */
  restart(): Promise<void>;
}

const minutes = (count: number) => count * 60_000;

export async function startEngine(): Promise<Engine> {
  await using undo = new AsyncDisposableStack();
  await Deno.mkdir(cacheFolder, { recursive: true });
  const lock = undo.adopt(
    await Deno.open(join(cacheFolder, "lock"), { create: true, write: true }),
    (file) => file.close(),
  );
  if (!await lock.tryLock(true)) throw new Error(`another engine runs on ${cacheFolder}`);
  const own = await Deno.makeTempDir({ dir: "/run", prefix: "massacorp-engine-" });
  undo.defer(() => Deno.remove(own, { recursive: true }));
  undo.defer(() => unmountBelow([own, join(cacheFolder, "docker")]));
  const hosts = undo.use(await namespaces("host", "client", "laptop"));
  // Not `ip netns exec`: it mounts a /sys of its own, and the engine finds no cgroups.
  const [, , , namespace = ""] = hosts.argv("host", []);
  const socket = `unix://${join(own, "docker.sock")}`;
  const env = { DOCKER_HOST: socket, DOCKER_BUILDKIT: "0", COMPOSE_ANSI: "never" };
  const docker = (args: readonly string[], { timeoutMs = minutes(1) } = {}) =>
    run(["docker", ...args], { env, timeoutMs });
  let daemon = await startDaemon(namespace, own, socket);
  undo.defer(() => daemon.stop());
  await until("the engine answers", () => docker(["version"]).then(() => true), {
    timeoutMs: minutes(1),
  });
  const empty = async () => {
    const ids = (await docker(["ps", "--all", "--quiet"])).split("\n").filter(Boolean);
    if (ids.length > 0) await docker(["rm", "--force", "--volumes", ...ids]);
    for (const kind of ["volume", "network"]) await docker([kind, "prune", "--force"]);
  };
  // Of a run that was killed.
  await empty();
  undo.defer(empty);
  const shim = join(own, "bin");
  await Deno.mkdir(shim);
  const { success } = await outcomeOf(["docker", "compose", "version"], { env });
  const real = (await run(["sh", "-c", "command -v docker"])).trim();
  if (!success) {
    await Deno.writeTextFile(
      join(shim, "docker"),
      `#!/bin/sh\nif [ "$1" = compose ]; then shift; exec docker-compose "$@"; fi\nexec ${real} "$@"\n`,
      { mode: 0o755 },
    );
  }
  const path = `${shim}:${Deno.env.get("PATH") ?? ""}`;
  const held = undo.move();
  return {
    hosts,
    docker,
    // Compose takes a setting from the environment before it looks into .env.
    shell: (folder, line) =>
      outcomeOf([
        ...["env", "-i", "HOME=/root", `PATH=${path}`],
        ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
        ...["sh", "-euc", `cd "$1"; ${line}`, "sh", folder],
      ], { timeoutMs: minutes(8) }),
    async restart() {
      await daemon.stop();
      daemon = await startDaemon(namespace, own, socket);
      await until("the engine answers again", () => docker(["version"]).then(() => true), {
        timeoutMs: minutes(1),
      });
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function startDaemon(namespace: string, own: string, socket: string) {
  const log = join(cacheFolder, "dockerd.log");
  const child = new Deno.Command("nsenter", {
    args: [
      `--net=/run/netns/${namespace}`,
      ...["sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, "dockerd"],
      ...[`--data-root=${join(cacheFolder, "docker")}`, `--exec-root=${join(own, "exec")}`],
      ...[`--host=${socket}`, `--pidfile=${join(own, "docker.pid")}`],
    ],
    stdin: "null",
    detached: true,
  }).spawn();
  let gone = false;
  const ended = child.status.then(() => gone = true);
  await until("the engine's socket is there", async () => {
    if (gone) throw new Error(`dockerd ended at once; ${log} says why`);
    return await Deno.stat(socket.slice("unix://".length)).then(() => true, () => false);
  }, { timeoutMs: minutes(1) });
  return {
    async stop() {
      if (!gone) child.kill("SIGTERM");
      await ended;
    },
  };
}

/** An engine leaves its network namespaces mounted, and its data folder on itself. */
async function unmountBelow(folders: readonly string[]): Promise<void> {
  const mounts = await Deno.readTextFile("/proc/mounts");
  const points = mounts.split("\n").map((line) => line.split(" ")[1] ?? "");
  for (const point of points.reverse()) {
    if (!folders.some((folder) => point === folder || point.startsWith(`${folder}/`))) continue;
    await outcomeOf(["umount", "--lazy", point]);
  }
}
