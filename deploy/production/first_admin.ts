import { parseArgs } from "node:util";
import { firstStart } from "../local/first_start.ts";
import { createTerminal, drawQr, type Terminal } from "../local/terminal.ts";

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
  const first = await firstStart(socket, { folder: { admin: folder }, adminEmail: email });
  if (first === undefined) {
    terminal.say("there is a tenant already; nothing was changed");
    return 0;
  }
  if ("note" in first) {
    terminal.say(
      "An earlier call was cut off before it showed the admin's password, and nothing can show it again.\n" +
        `Make another admin with user:create (--tenant platform --role admin), and remove ${first.note}.`,
    );
    return 1;
  }
  terminal.step("tenant", `${first.tenant.slug} (id ${first.tenant.id})`);
  terminal.step("admin", first.admin.email);
  terminal.step("password", `${first.admin.password}   (shown this once)`);
  await first.shown();
  if ("error" in first.peer) {
    terminal.step("no tunnel", first.peer.error);
    terminal.say("Make a peer with peer:add");
    return 1;
  }
  terminal.step("tunnel file", `${first.peer.file}   (or scan this with the WireGuard app)`);
  terminal.say("");
  terminal.say(drawQr(first.peer.config, { colour: Deno.stdout.isTerminal() }));
  return 0;
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
