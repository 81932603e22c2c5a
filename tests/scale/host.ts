import { createApp } from "../../api/app.ts";
import { buildDeps } from "../../api/build_deps.ts";
import { loadConfig } from "../../api/config.ts";
import type { AppEnv } from "../../api/context.ts";
import { logUnhandled } from "../../api/process/listeners.ts";
import { createLogger } from "../../lib/log.ts";

/**
 * One API process of several that `testApi()` is served by: it holds the apps of many tests, each on that test's
 * database, tells them apart by a header, and goes by that test's clock.
 *
 * usage: host.ts PORT CONTROL_PORT
 */
const [port = "", control = ""] = Deno.args;

interface Hosted {
  fetch(request: Request, env: AppEnv["Bindings"]): Response | Promise<Response>;
  setClock(now: number): void;
  close(): Promise<void>;
}

export interface ToOpen {
  id: string;
  env: Record<string, string>;
  now: number;
  /** What the app logs and how long it would have waited, a line each. */
  log: string;
}

function complain(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

// One test's trouble is not the next one's, and production lives through it as well.
logUnhandled(createLogger({ level: "error", write: complain }));

const apps = new Map<string, Hosted>();

async function open({ env, now: start, log }: ToOpen): Promise<Hosted> {
  let now = start;
  const file = await Deno.open(log, { append: true, create: true });
  const say = (line: unknown) =>
    file.writeSync(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
  const clock = { now: () => now };
  const { deps, close } = await buildDeps({
    config: loadConfig(env),
    clock,
    log: createLogger({ level: "debug", clock, write: (line) => say({ line }) }),
    timer: {
      now: () => performance.now(),
      pause(pause) {
        say({ pause });
        return Promise.resolve();
      },
    },
  });
  const app = createApp(deps);
  return {
    fetch: (request, bindings) => app.fetch(request, bindings),
    setClock: (at) => now = at,
    async close() {
      await close();
      file.close();
    },
  };
}

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  onListen: () => {},
  handler(request, { remoteAddr }) {
    const headers = new Headers(request.headers);
    const take = (name: string) => {
      const value = headers.get(name) ?? "";
      headers.delete(name);
      return value;
    };
    const app = apps.get(take("x-test-app"));
    const listener = take("x-test-listener");
    const now = Number(take("x-test-now"));
    const forwarded = headers.get("x-forwarded-for");
    if (!app) return new Response("no such app", { status: 599 });
    app.setClock(now);
    const inner = new Request(request, { headers });
    switch (listener) {
      case "tunnel":
        return app.fetch(inner, { listener, address: remoteAddr.hostname });
      case "loopback":
        return app.fetch(inner, { listener, address: forwarded });
      case "operator":
        return app.fetch(inner, { listener, address: null });
      default:
        return new Response("no such listener", { status: 599 });
    }
  },
});

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(control),
  onListen: () => {},
  async handler(request) {
    const told: ToOpen = await request.json();
    if (request.method === "POST") apps.set(told.id, await open(told));
    else {
      await apps.get(told.id)?.close();
      apps.delete(told.id);
    }
    return new Response("done");
  },
});
