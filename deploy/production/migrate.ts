import { connect } from "../../db/connection.ts";
import { bootstrap } from "../../db/roles.ts";
import { migrate, MigrationError } from "../../db/migrate.ts";
import { ConfigError } from "../../lib/env.ts";
import { rolePasswords } from "../local/secrets.ts";
import { createTerminal } from "../local/terminal.ts";
import { loadConfig, type MigrateConfig } from "./config.ts";

/**
 * Roles with their passwords and the database, where a superuser is given; then the migrations, as the owner.
 * Safe to repeat, and to run twice at once.
 * @returns the ids of the migrations applied
 */
async function prepareDatabase(config: MigrateConfig): Promise<string[]> {
  if (config.superuserUrl) {
    await bootstrap(config.superuserUrl, await rolePasswords(config.passwords));
  }
  const owner = connect(config.ownerUrl, { max: 1, applicationName: "massacorp-migrate" });
  try {
    return await migrate(owner);
  } finally {
    await owner.end({ timeout: 5 });
  }
}

if (import.meta.main) {
  const terminal = createTerminal();
  try {
    const applied = await prepareDatabase(loadConfig());
    terminal.say(applied.length > 0 ? `applied: ${applied.join(", ")}` : "nothing to apply");
  } catch (error) {
    terminal.say(`migrate: ${error instanceof Error ? error.message : String(error)}`);
    // What another attempt would not change (EX_CONFIG of sysexits(3)).
    Deno.exit(error instanceof MigrationError || error instanceof ConfigError ? 78 : 1);
  }
}
