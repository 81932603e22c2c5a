import { parseArgs } from "node:util";
import { loadConfig } from "./config.ts";
import { tellFirst } from "./tell_first.ts";
import { createTerminal, faultsOf, type Terminal } from "./terminal.ts";
import { type Up, up } from "./up.ts";

const usage = `usage: ./massacorp up [--no-tunnel] [--watch]

  --no-tunnel  without root: the API on loopback, no WireGuard; peers stay pending (refused when ENV=prod)
  --watch      restart the API and the daemon when a source file changes`;

async function main(args: string[], terminal: Terminal): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      "no-tunnel": { type: "boolean", default: false },
      watch: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    terminal.say(usage);
    return 0;
  }
  const tunnel = !values["no-tunnel"];
  if (tunnel && Deno.uid() !== 0) {
    terminal.say(
      "A tunnel needs root: run  sudo ./massacorp up\nor, without a tunnel:    ./massacorp up --no-tunnel",
    );
    return 1;
  }
  const asked = new AbortController();
  const stopAsked = nextSignal().then(() => asked.abort());
  const started = await up(loadConfig(), {
    tunnel,
    watch: values.watch,
    terminal,
    signal: asked.signal,
  });
  await greet(started, terminal);
  await stopAsked;
  terminal.say("");
  terminal.step("supervisor", "stopping");
  await started.stop();
  terminal.step("supervisor", "everything is stopped");
  return 0;
}

async function greet({ first, tunnel }: Up, terminal: Terminal): Promise<void> {
  if (first) {
    terminal.say("");
    await tellFirst(first, {
      terminal,
      hints: {
        anotherAdmin:
          "deno task user:create --tenant platform --email you@example.com --role admin",
        peer: "deno task peer:add --help",
        file: tunnel ? "or scan this with the WireGuard app" : "good once there is a tunnel",
      },
    });
  }
  terminal.say("");
  terminal.say("MassaCorp is up. Ctrl-C stops it.");
}

/** Resolves with the first signal that asks for an end; later ones are ignored, the end is under way. */
function nextSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => resolve(signal));
  }
  return promise;
}

if (import.meta.main) {
  const terminal = createTerminal();
  try {
    Deno.exit(await main(Deno.args, terminal));
  } catch (error) {
    for (const fault of faultsOf(error)) terminal.say(`massacorp: ${fault}`);
    Deno.exit(1);
  }
}
