import { fileURLToPath } from "node:url";
import { type TestApi, testSecrets } from "./api.ts";
import { freePort } from "./free_port.ts";
import { keptLines } from "./output.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

export interface ApiProcess extends AsyncDisposable {
  /** Every line that it wrote so far. */
  log: string[];
  /** Origin of the API, on loopback. */
  url: string;
  /** Origin of `OPERATOR_LISTEN`. */
  scrapeUrl: string;
  operatorSocket: string;
  pid: number;
  signal(name: Deno.Signal): void;
  /** Its exit, once everything it wrote was read. */
  ended: Promise<Deno.CommandStatus>;
  kill(): Promise<void>;
}

/** The API as it runs in production: a process under its permission set. */
export async function apiProcess(
  api: Pick<TestApi, "db">,
  env: Record<string, string> = {},
): Promise<ApiProcess> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-test-mail-" });
  await Deno.mkdir(`${folder}/operator`, { mode: 0o700 });
  const database = new URL(api.db.url("massacorp_api").reveal()).searchParams.get("host") ?? "";
  const folders = [folder, database, ...(env["MAIL_FOLDER"] ? [env["MAIL_FOLDER"]] : [])].join(",");
  const [port, scrapePort] = [freePort(), freePort()];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "-P=api",
      // A flag replaces what the permission set says of the same kind.
      `--allow-read=./,/usr/bin/ldd,${folders}`,
      `--allow-write=${folders}`,
      "api/main.ts",
    ],
    cwd: project,
    clearEnv: true,
    env: {
      ...testSecrets,
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "/",
      API_LISTEN: "loopback",
      API_PORT: String(port),
      OPERATOR_LISTEN: `127.0.0.1:${scrapePort}`,
      DATABASE_URL: api.db.url("massacorp_api").reveal(),
      DATABASE_PLATFORM_URL: api.db.url("massacorp_platform").reveal(),
      // On a machine that others keep busy, a database that is up may say nothing for longer than the usual 800 ms.
      DATABASE_POOL_TIMEOUT: "30",
      OPERATOR_SOCKET: `${folder}/operator/api.sock`,
      WGD_SOCKET: `${folder}/wgd.sock`,
      SEALER_SOCKET: `${folder}/sealer.sock`,
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const log: string[] = [];
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of keptLines(stream)) log.push(line);
  };
  let over = false;
  const ended = Promise.all([child.status, collect(child.stdout), collect(child.stderr)])
    .then(([status]) => {
      over = true;
      return status;
    });
  const kill = async () => {
    if (!over) child.kill("SIGKILL");
    await ended;
  };
  return {
    log,
    url: `http://127.0.0.1:${port}`,
    scrapeUrl: `http://127.0.0.1:${scrapePort}`,
    operatorSocket: `${folder}/operator/api.sock`,
    pid: child.pid,
    signal: (name) => child.kill(name),
    ended,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
