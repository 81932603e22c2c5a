import { migrate } from "../../db/migrate.ts";
import { loadConfig } from "./config.ts";
import { asOwner } from "./owner_session.ts";
import { asksForHelp, createTerminal } from "./terminal.ts";

/** `deno task db:migrate`: what `./massacorp up` does by itself when it starts. */
if (import.meta.main) {
  const terminal = createTerminal();
  if (Deno.args.length > 0) {
    terminal.say("usage: deno task db:migrate");
    Deno.exit(asksForHelp(Deno.args) ? 0 : 2);
  }
  try {
    const applied = await asOwner(loadConfig(), terminal, ({ owner }) => migrate(owner));
    terminal.say(applied.length > 0 ? `applied: ${applied.join(", ")}` : "nothing to apply");
  } catch (error) {
    terminal.say(`db:migrate: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
