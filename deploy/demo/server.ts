import { join } from "node:path";
import { lines } from "../../lib/lines.ts";
import { projectFolder } from "../local/services.ts";
import { DemoError } from "./steps.ts";

export interface Server extends AsyncDisposable {
  operatorSocket: string;
  /** What it said while it came up, without the logs of its children. */
  said: string[];
}

export interface ServerOptions {
  namespace: string;
  dataFolder: string;
  env: Record<string, string>;
  signal: AbortSignal;
}

/** Runs the real `up` on the server's host, and waits until it says that it is up. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const child = new Deno.Command("setpriv", {
    args: [
      // When the demo is killed, the server ends as it would by Ctrl-C.
      ...["--pdeathsig=TERM", "--", "ip", "netns", "exec", options.namespace],
      ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "--cached-only"],
      ...[`--config=${join(projectFolder, "deno.json")}`, "-P=local"],
      join(projectFolder, "deploy/local/main.ts"),
    ],
    cwd: projectFolder,
    env: { ...options.env, MASSACORP_DATA: options.dataFolder, LOG_LEVEL: "warn" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const said: string[] = [];
  const isUp = Promise.withResolvers<void>();
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of lines(stream)) {
      said.push(line);
      if (line.startsWith("MassaCorp is up")) isUp.resolve();
    }
  };
  const heard = Promise.all([listen(child.stdout), listen(child.stderr)]);
  const ended = Promise.all([child.status, heard]).then(([status]) => status);
  const stop = async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await ended;
  };
  try {
    await Promise.race([
      isUp.promise,
      ended.then(({ code }) => {
        throw new DemoError(`the server ended with exit code ${code}:\n${said.join("\n")}`);
      }),
      new Promise((_, reject) => {
        options.signal.addEventListener("abort", () => reject(options.signal.reason));
      }),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    operatorSocket: join(options.dataFolder, "run/operator/api.sock"),
    said: said.filter((line) => /^(postgres|migrations|wgd|api) +[^| ]/.test(line)),
    [Symbol.asyncDispose]: stop,
  };
}
