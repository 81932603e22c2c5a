import { join } from "node:path";
import { migrate } from "../../db/migrate.ts";
import { loadConfig } from "./config.ts";
import { asOwner } from "./owner_session.ts";
import { asksForHelp, createTerminal } from "./terminal.ts";

/** `deno task db:reset --yes`: an empty database, migrated; the next start is a first start. */
if (import.meta.main) {
  const terminal = createTerminal();
  if (asksForHelp(Deno.args)) {
    terminal.say("usage: deno task db:reset --yes");
    Deno.exit(0);
  }
  try {
    const config = loadConfig();
    if (config.env === "prod") throw new Error("is refused when ENV=prod");
    if (!Deno.args.includes("--yes")) {
      throw new Error("deletes every tenant, user and peer; say --yes to do it");
    }
    const applied = await asOwner(config, terminal, async ({ owner, empty }) => {
      await empty();
      return await migrate(owner);
    });
    await Deno.remove(join(config.dataFolder, "admin"), { recursive: true });
    terminal.say(`the database is empty; applied: ${applied.join(", ")}`);
  } catch (error) {
    terminal.say(`db:reset: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
