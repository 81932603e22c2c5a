import postgres from "postgres";
import { Secret } from "../lib/secret.ts";
import { connect, type Sql } from "./connection.ts";
import { scramVerifier } from "./scram.ts";

/** The roles of roles.sql that log in, each with a password of its own. */
export const loginRoles = [
  "massacorp_owner",
  "massacorp_api",
  "massacorp_platform",
  "massacorp_wgd",
  "massacorp_sealer",
] as const;
export type LoginRole = typeof loginRoles[number];

/** The URL of a role over the server's socket, as `connect()` reads it. */
export function databaseUrl(
  to: { role: string; password: Secret<string>; socketFolder: string; database: string },
): Secret<string> {
  const query = new URLSearchParams({ host: to.socketFolder });
  const password = encodeURIComponent(to.password.reveal());
  return new Secret(`postgres://${to.role}:${password}@localhost/${to.database}?${query}`);
}

/**
 * Brings a cluster to where migrations can run: the roles with their passwords, and the database.
 * Safe to repeat: a password that is in force already is left alone.
 */
export async function bootstrap(
  superuserUrl: Secret<string>,
  passwords: Record<LoginRole, Secret<string>>,
  database = "massacorp",
): Promise<void> {
  const sql = connect(superuserUrl, { max: 1, applicationName: "massacorp-bootstrap" });
  try {
    await sql.unsafe(await Deno.readTextFile(new URL("./roles.sql", import.meta.url)));
    for (const role of loginRoles) {
      const url = withUser(superuserUrl, role, passwords[role]);
      if (!(await hasPassword(sql, role)) || !(await logsIn(url))) {
        await setPassword(sql, role, passwords[role]);
      }
    }
    const [found] = await sql`select from pg_database where datname = ${database}`;
    if (!found) await sql`create database ${sql(database)} owner massacorp_owner`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** The same server and database, as another role. */
export function withUser(
  url: Secret<string>,
  role: string,
  password: Secret<string>,
): Secret<string> {
  const changed = new URL(url.reveal());
  changed.username = role;
  changed.password = encodeURIComponent(password.reveal());
  return new Secret(changed.href);
}

/** Who is no superuser cannot see it; a server that is somebody else's lets nobody in without. */
async function hasPassword(sql: Sql, role: LoginRole): Promise<boolean> {
  try {
    const rows = await sql`
      select from pg_authid where rolname = ${role} and rolpassword is not null`;
    return rows.length > 0;
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.code === "42501") return true;
    throw error;
  }
}

async function logsIn(url: Secret<string>): Promise<boolean> {
  const sql = connect(url, { max: 1, applicationName: "massacorp-bootstrap" });
  try {
    await sql`select 1`;
    return true;
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.code.startsWith("28")) return false;
    throw error;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function setPassword(sql: Sql, role: LoginRole, password: Secret<string>): Promise<void> {
  // A PostgreSQL before 16 has no such setting, and takes as many; the tests of pg_dump have one.
  const [row] = await sql<[{ iterations: number }]>`
    select coalesce(current_setting('scram_iterations', true), '4096')::integer as iterations`;
  // ALTER ROLE takes no parameters, and whatever it is told may be logged.
  await sql.unsafe(`alter role ${role} password '${await scramVerifier(password, row)}'`);
}
