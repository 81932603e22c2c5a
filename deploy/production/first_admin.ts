import { parseArgs } from "node:util";
import { pauseFor } from "../../lib/pause.ts";
import { firstStart } from "../local/first_start.ts";
import { answersOk } from "../local/socket_http.ts";
import { tellFirst } from "../local/tell_first.ts";
import { createTerminal, type Terminal } from "../local/terminal.ts";

const usage = `usage: first_admin.ts --email ADDRESS --folder FOLDER [--socket FILE]`;

/** What `./massacorp up` does at its first start: the platform tenant, its admin, and the admin's tunnel. */
async function main(args: string[], terminal: Terminal): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      email: { type: "string" },
      folder: { type: "string" },
      socket: { type: "string", default: "/run/massacorp/operator/api.sock" },
    },
  });
  const { email, folder, socket } = values;
  if (email === undefined || folder === undefined) throw new TypeError(usage);
  await ready(socket, terminal);
  const first = await firstStart(socket, { folder: { admin: folder }, adminEmail: email });
  if (first === undefined) {
    terminal.say("there is a tenant already; nothing was changed");
    return 0;
  }
  const whole = await tellFirst(first, {
    terminal,
    hints: {
      anotherAdmin: "user:create --tenant platform --email you@example.com --role admin",
      peer: "peer:add --help",
      file: "or scan this with the WireGuard app",
    },
  });
  return whole ? 0 : 1;
}

/** Whoever has just started everything need not know how long that takes. */
async function ready(socket: string, terminal: Terminal, timeoutMs = 120_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let told = false; !await answersOk(socket, "/ready"); told = true) {
    if (performance.now() > deadline) {
      throw new Error(`the API is not ready at ${socket}: see its log`);
    }
    if (!told) terminal.say("waiting for the API");
    await pauseFor(250);
  }
}

if (import.meta.main) {
  const terminal = createTerminal();
  try {
    Deno.exit(await main(Deno.args, terminal));
  } catch (error) {
    terminal.say(`first admin: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
