import { parseArgs } from "node:util";
import { loginRoles } from "../../db/roles.ts";
import { createHmac } from "../../lib/hmac.ts";
import { Secret } from "../../lib/secret.ts";
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

/** `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` of RFC 5802; the password is ASCII, as ours are. */
async function scramVerifier(
  password: Secret<string>,
  { salt = crypto.getRandomValues(new Uint8Array(16)), iterations = 4096 } = {},
): Promise<string> {
  const bytes = new TextEncoder().encode(password.reveal());
  const base = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const salted = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations },
    base,
    256,
  );
  const hmac = await createHmac(new Secret(new Uint8Array(salted)));
  const stored = await crypto.subtle.digest("SHA-256", await hmac("Client Key"));
  const keys = [new Uint8Array(stored), await hmac("Server Key")].map((key) => key.toBase64());
  return `SCRAM-SHA-256$${iterations}:${salt.toBase64()}$${keys.join(":")}`;
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
