import { parseArgs } from "node:util";
import { loginRoles } from "../../db/roles.ts";
import { scramVerifier } from "../../db/scram.ts";
import { migrateUid } from "../local/identity.ts";
import { rolePasswords } from "../local/secrets.ts";
import { createTerminal } from "../local/terminal.ts";

/**
 * What a superuser of the database has to run once, for psql: roles, their passwords, the database. The server gets no
 * password but what proves one (RFC 5803), as from psql's \password, so none can get into its log. Safe to repeat.
 */
async function rolesSql(passwords: string): Promise<string> {
  const all = await rolePasswords(passwords, migrateUid);
  const lines = [await Deno.readTextFile(new URL("../../db/roles.sql", import.meta.url))];
  for (const role of loginRoles) {
    lines.push(`alter role ${role} password '${await scramVerifier(all[role])}';`);
  }
  lines.push(
    "select 'create database massacorp owner massacorp_owner'",
    "  where not exists (select from pg_database where datname = 'massacorp') \\gexec",
    "",
  );
  return lines.join("\n");
}

if (import.meta.main) {
  const terminal = createTerminal();
  const { values } = parseArgs({ options: { passwords: { type: "string" } } });
  if (values.passwords === undefined) {
    terminal.say("usage: roles_sql.ts --passwords FOLDER");
    Deno.exit(2);
  }
  terminal.say(await rolesSql(values.passwords));
}
