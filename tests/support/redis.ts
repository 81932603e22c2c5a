import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** A real Redis of the test's own, on a free port of the loopback. */
export interface RedisServer extends AsyncDisposable {
  url: string;
  /** Kills it. */
  stop(): Promise<void>;
  /** Starts it again at the same port, empty. */
  start(): Promise<void>;
  /** Its connections stand and it says nothing, or it goes on. */
  hang(on: boolean): void;
}

export async function redisServer({ databases = 16 } = {}): Promise<RedisServer> {
  const port = freePort();
  let child: Deno.ChildProcess | undefined;
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      child = new Deno.Command("redis-server", {
        args: [
          ...["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
          ...["--databases", String(databases)],
        ],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      await until("Redis accepts connections", async () => {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port });
        connection.close();
        return true;
      });
    },
    async stop() {
      child?.kill("SIGKILL");
      await child?.status;
      child = undefined;
    },
    hang: (on) => child?.kill(on ? "SIGSTOP" : "SIGCONT"),
    [Symbol.asyncDispose]: () => server.stop(),
  };
  await server.start();
  return server;
}
