import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Namespaces, uniqueInterface } from "./netns.ts";
import { until } from "./until.ts";
import { keptLines, seedSecretsBelow } from "./output.ts";

export const projectFolder = fileURLToPath(new URL("../..", import.meta.url));

/** A `./massacorp up` that runs in a namespace. */
export interface RunningUp extends AsyncDisposable {
  interface: string;
  /** Every line so far. */
  said: string[];
  /** Resolves once it says that it is up; rejects when it ends before. */
  up(): Promise<void>;
  /** A process of it by the entry script it runs, such as `api/main.ts`; `postgres` for the server. */
  pid(program: string): Promise<number>;
  signal(name: Deno.Signal): void;
  /** Its exit code, once it ended and everything it said was read. */
  ended: Promise<number>;
}

export interface UpOptions {
  dataFolder: string;
  args?: string[];
  env?: Record<string, string>;
  interface?: string;
}

export function startUp(hosts: Namespaces, role: string, options: UpOptions): RunningUp {
  const name = options.interface ?? uniqueInterface();
  const command = [join(projectFolder, "massacorp"), "up", ...(options.args ?? [])];
  const [program = "", ...args] = hosts.argv(role, command);
  const child = new Deno.Command(program, {
    args,
    env: {
      MASSACORP_DATA: options.dataFolder,
      WG_INTERFACE: name,
      WG_ENDPOINT: hosts.address(role),
      WGD_LOCK_FOLDER: options.dataFolder,
      PASSWORD_CHECK_HIBP: "off",
      ...options.env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const said: string[] = [];
  let over = false;
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of keptLines(stream)) said.push(line);
  };
  const ended = Promise.all([child.status, listen(child.stdout), listen(child.stderr)])
    .then(([{ code }]) => {
      over = true;
      return code;
    });
  return {
    interface: name,
    said,
    ended,
    up: () =>
      until("MassaCorp is up", () => {
        if (over) throw new Error(`it ended: ${said.join("\n")}`);
        return said.some((line) => line.startsWith("MassaCorp is up")) || undefined;
      }, { timeoutMs: 120_000 }).then(() => seedSecretsBelow(join(options.dataFolder, "secrets"))),
    pid: (program) =>
      until(`the process of ${program}`, () => findProcess(program, options.dataFolder)),
    signal: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (!over) child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Every process whose command line names the data folder. */
export async function processesOf(dataFolder: string): Promise<{ pid: number; command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (command.includes(dataFolder)) {
      found.push({ pid: Number(name), command: command.replaceAll("\0", " ") });
    }
  }
  return found;
}

async function findProcess(program: string, dataFolder: string): Promise<number | undefined> {
  const wanted = program === "postgres" ? `postgres -D ${dataFolder}/postgres` : program;
  const found = await processesOf(dataFolder);
  return found.find(({ command }) => command.includes(wanted) && !/unshare|setpriv/.test(command))
    ?.pid;
}
