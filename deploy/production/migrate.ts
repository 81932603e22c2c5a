import { parseArgs } from "node:util";
import { connect, type Sql } from "../../db/connection.ts";
import { bootstrap } from "../../db/roles.ts";
import { migrate, MigrationError, NewerDatabaseError, readMigrationIds } from "../../db/migrate.ts";
import { parseVersion, whyUnfit } from "../../db/schema_version.ts";
import { ConfigError } from "../../lib/env.ts";
import { rolePasswords } from "../local/secrets.ts";
import { createTerminal } from "../local/terminal.ts";
import { loadConfig, type MigrateConfig } from "./config.ts";

/**
 * Roles with their passwords and the database, where a superuser is given; then the migrations, as the owner.
 * Safe to repeat, and to run twice at once.
 * @param orNewer leaves a database alone that a newer version has migrated, where this one can work with it
 * @returns what was done
 */
async function prepareDatabase(config: MigrateConfig, orNewer: boolean): Promise<string> {
  if (config.superuserUrl) {
    await bootstrap(config.superuserUrl, await rolePasswords(config.passwords));
  }
  const owner = connect(config.ownerUrl, { max: 1, applicationName: "massacorp-migrate" });
  try {
    const applied = await migrate(owner);
    return applied.length > 0 ? `applied: ${applied.join(", ")}` : "nothing to apply";
  } catch (error) {
    if (!(orNewer && error instanceof NewerDatabaseError)) throw error;
    await refuseUnfit(owner);
    return `nothing to apply: ${error.message}, and can work with it`;
  } finally {
    await owner.end({ timeout: 5 });
  }
}

/** @throws {MigrationError} where this version cannot work with what a newer one has made of the database */
async function refuseUnfit(owner: Sql): Promise<void> {
  const [row] = await owner<{ said: string | null }[]>`
    select obj_description('public'::regnamespace, 'pg_namespace') as said`;
  const version = parseVersion(row?.said ?? null);
  const own = (await readMigrationIds()).at(-1) ?? "";
  const reason = version
    ? whyUnfit(version, own)
    : "the database does not say of which version it is";
  if (reason !== undefined) throw new MigrationError(reason);
}

if (import.meta.main) {
  const terminal = createTerminal();
  try {
    const { values } = parseArgs({ options: { "or-newer": { type: "boolean", default: false } } });
    terminal.say(await prepareDatabase(loadConfig(), values["or-newer"]));
  } catch (error) {
    terminal.say(`migrate: ${error instanceof Error ? error.message : String(error)}`);
    // What another attempt would not change (EX_CONFIG of sysexits(3)).
    Deno.exit(error instanceof MigrationError || error instanceof ConfigError ? 78 : 1);
  }
}
