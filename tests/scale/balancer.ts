import { lines } from "../../lib/lines.ts";
import { type BalancerPlace, balancerVariable } from "../support/balanced.ts";
import { freePort } from "../support/free_port.ts";
import { startNginx } from "../support/nginx.ts";
import { fromHeader } from "../support/scale.ts";
import { redisServer } from "../support/redis.ts";
import { until } from "../support/until.ts";

const say = (line: string) => Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));

export interface Balancer extends AsyncDisposable {
  /** For the test processes. */
  env: Record<string, string>;
  /** Who spoke to an app in its own process after all, and why. */
  reasons(): Promise<string[]>;
}

/** Three processes that host the apps of tests, behind nginx, with one Redis. */
export async function startBalancer(
  options: { pooler?: BalancerPlace["pooler"] } = {},
): Promise<Balancer> {
  await using undo = new AsyncDisposableStack();
  const redis = undo.use(await redisServer({ databases: 16_000 }));
  const hosts = await Promise.all([0, 1, 2].map(async () => {
    const [port, control] = [freePort(), freePort()];
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-check", "-A", import.meta.resolve("./host.ts")],
        ...[String(port), String(control)],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const heard = (async () => {
      for await (const line of lines(child.stderr)) {
        // It is told at the first request, of a way to hear of its end that nothing here uses.
        if (!line.includes("no-legacy-abort")) say(`host: ${line}`);
      }
    })();
    let over = false;
    void child.status.then(() => over = true);
    undo.defer(async () => {
      if (!over) child.kill("SIGKILL");
      await child.status;
      await heard;
    });
    await until("the host listens", async () => {
      (await Deno.connect({ hostname: "127.0.0.1", port: control })).close();
      return true;
    }, { timeoutMs: 30_000 });
    return { port, control: `http://127.0.0.1:${control}` };
  }));
  const listen = `127.0.0.1:${freePort()}`;
  undo.use(
    await startNginx({
      listen: [listen],
      upstreams: hosts.map(({ port }) => port),
      http: fromHeader,
      // Of one address: all tests that run at once.
      replace: { "limit_conn massacorp_peer 100;": "limit_conn massacorp_peer 4000;" },
    }),
  );
  const reasons = await Deno.makeTempFile({ prefix: "massacorp-reasons-" });
  undo.defer(() => Deno.remove(reasons));
  const place: BalancerPlace = {
    url: `http://${listen}`,
    controls: hosts.map(({ control }) => control),
    redis: redis.url,
    pooler: options.pooler ?? null,
    reasons,
  };
  const owned = undo.move();
  return {
    env: { [balancerVariable]: JSON.stringify(place) },
    reasons: async () =>
      [...new Set((await Deno.readTextFile(reasons)).split("\n"))].filter(Boolean),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
