import { connect, type Sql } from "../../db/connection.ts";
import type { Secret } from "../../lib/secret.ts";
import { BackupError } from "./error.ts";
import { libpqEnv } from "./dump.ts";
import { requireProgram } from "./programs.ts";
import type { Entry } from "./tar.ts";

/** @throws {BackupError} where pg_restore is not of the server's version */
export async function requireRestore(ownerUrl: Secret<string>, path: string): Promise<void> {
  const sql = connect(ownerUrl, { max: 1, applicationName: "massacorp-restore" });
  try {
    const [{ server }] = await sql<[{ server: string }]>`
      select current_setting('server_version') as server`;
    await requireProgram("pg_restore", { server, env: libpqEnv(ownerUrl, path) });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** @throws {BackupError} where the database has tables, anybody's: a restore begins with an empty one */
export async function requireEmpty(ownerUrl: Secret<string>): Promise<void> {
  const sql = connect(ownerUrl, { max: 1, applicationName: "massacorp-restore" });
  try {
    if (await hasTables(sql)) {
      throw new BackupError("the database of DATABASE_OWNER_URL has data: name an empty one");
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function hasTables(sql: Sql): Promise<boolean> {
  const rows = await sql`
    select from pg_class where relnamespace = 'public'::regnamespace limit 1`;
  return rows.length > 0;
}

interface DumpSource {
  entries: AsyncIterable<Entry>;
  /** Where pg_restore is looked for. */
  path: string;
}

/** Gives pg_restore the parts of a dump, in one transaction, as the owner. */
export async function loadDump(
  ownerUrl: Secret<string>,
  source: DumpSource,
): Promise<void> {
  const sql = connect(ownerUrl, { max: 1, applicationName: "massacorp-restore" });
  try {
    // What a killed restore committed goes.
    if (await hasTables(sql)) {
      await sql`drop schema public cascade`;
      await sql`create schema public`;
    }
    // Whom a function is handed over to must be able to make it.
    await sql`grant create on schema public to massacorp_lookup`;
    await pipeToRestore(ownerUrl, source);
    await sql`revoke create on schema public from massacorp_lookup`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function pipeToRestore(
  ownerUrl: Secret<string>,
  { entries, path }: DumpSource,
): Promise<void> {
  const child = new Deno.Command("pg_restore", {
    args: ["--exit-on-error", "--single-transaction", "--dbname", databaseName(ownerUrl)],
    clearEnv: true,
    env: libpqEnv(ownerUrl, path),
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const words = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  try {
    for await (const { path: name, content } of entries) {
      if (!name.startsWith("dump/")) continue;
      for await (const bytes of content) await writer.write(bytes);
    }
    await writer.close();
  } catch (error) {
    // It ended before it had read all, and says why.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
  const { success } = await child.status;
  if (!success) throw new BackupError(`pg_restore failed: ${(await words).trim()}`);
}

function databaseName(url: Secret<string>): string {
  return decodeURIComponent(new URL(url.reveal()).pathname.slice(1));
}
