import { bytesToHex } from "@noble/hashes/utils.js";
import postgres from "postgres";
import { pauseFor } from "../lib/pause.ts";
import type { Sql } from "./connection.ts";
import { describeVersion } from "./schema_version.ts";
import { whySessionUnfit } from "./session_check.ts";

const folder = new URL("./migrations/", import.meta.url);
/** One number for the whole product, so that two migrating processes wait for each other. */
const advisoryLock = 0x6d617373; // "mass"

/**
 * A migration that waits for a table stops everybody who comes after it, so it waits for less than they do
 * (`db/roles.sql`), gives way, and tries again until whatever held the table is over: an export, a dump.
 */
const patience = { lockTimeoutMs: 300, pauseMs: 1_000, attempts: 120 };

export interface Migration {
  /** File name without `.sql`; files apply in the order of their names. */
  readonly id: string;
  readonly sql: string;
  /** SHA-256 of the text, in hex. */
  readonly checksum: string;
}

/** The database cannot be brought to this version; the message says why. */
export class MigrationError extends Error {
  override name = "MigrationError";
}

/** It has been migrated by a newer version, and by this one before that: nothing else is wrong with it. */
export class NewerDatabaseError extends MigrationError {
  override name = "NewerDatabaseError";
}

/** The ids of the migrations that this version of the code brings, in order. */
export async function readMigrationIds(from: URL = folder): Promise<string[]> {
  const ids: string[] = [];
  for await (const { isFile, name } of Deno.readDir(from)) {
    if (isFile && name.endsWith(".sql")) ids.push(name.slice(0, -".sql".length));
  }
  return ids.sort();
}

/** Reads the migrations that this version of the code brings. */
export async function readMigrations(from: URL = folder): Promise<Migration[]> {
  return await Promise.all(
    (await readMigrationIds(from)).map(async (id) => {
      const sql = await Deno.readTextFile(new URL(`${id}.sql`, from));
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sql));
      return {
        id,
        sql,
        checksum: bytesToHex(new Uint8Array(digest)),
      };
    }),
  );
}

/**
 * Brings the database to the newest schema, as the owner role. Each migration runs in its own transaction;
 * an advisory lock makes concurrent calls take turns, so calling it twice is safe.
 *
 * @param options.attempts at the locks that a migration needs, a second apart
 * @returns the ids applied by this call, in order
 * @throws {MigrationError} when an applied file was edited, {@link NewerDatabaseError} when it is newer than the code
 */
export async function migrate(
  sql: Sql,
  migrations?: Migration[],
  { attempts = patience.attempts } = {},
): Promise<string[]> {
  const wanted = migrations ?? await readMigrations();
  const connection = await sql.reserve();
  try {
    const unfit = await whySessionUnfit(connection);
    if (unfit !== undefined) throw new MigrationError(unfit);
    await connection`select pg_advisory_lock(${advisoryLock})`;
    try {
      await connection`
        create table if not exists schema_migrations (
          id text primary key,
          checksum text not null,
          applied_at timestamptz not null default now()
        )`;
      await connection`
        comment on table schema_migrations is
          'The migrations that ran, with the SHA-256 of each file as it was then. For the owner alone.'`;
      const applied = await connection<{ id: string; checksum: string }[]>`
        select id, checksum from schema_migrations order by id`;
      refuseEdits(applied, wanted);
      const done = new Set(applied.map((row) => row.id));
      const fresh = wanted.filter((migration) => !done.has(migration.id));
      for (const migration of fresh) await apply(connection, migration, attempts);
      // Readable by every role: what code it is for (db/schema_version.ts).
      const version = describeVersion([...done, ...fresh.map(({ id }) => id)], wanted);
      await connection.unsafe(`comment on schema public is '${version.replaceAll("'", "''")}'`);
      return fresh.map((migration) => migration.id);
    } finally {
      await connection`select pg_advisory_unlock(${advisoryLock})`;
    }
  } finally {
    connection.release();
  }
}

/** One migration, whole or not at all. */
async function apply(sql: Sql, migration: Migration, attempts: number): Promise<void> {
  for (let attempt = 1;; attempt++) {
    await sql`begin`;
    try {
      await sql`select set_config('lock_timeout', ${await lockTimeout(sql, attempt)}, true)`;
      await sql.unsafe(migration.sql);
      await sql`
        insert into schema_migrations (id, checksum) values (${migration.id}, ${migration.checksum})`;
      await sql`commit`;
      return;
    } catch (error) {
      await sql`rollback`;
      if (!isLockTimeout(error)) throw error;
      if (attempt >= attempts) {
        throw new Error(
          `migration ${migration.id} did not get a lock that it needs: nothing of it was applied. See who holds it in pg_stat_activity, and run it again`,
          { cause: error },
        );
      }
    }
    await pauseFor(patience.pauseMs);
  }
}

/**
 * PostgreSQL breaks its own vacuum off for whoever has waited for `deadlock_timeout`, and for nobody before: where one
 * is under way, an attempt in ten waits for as long.
 */
async function lockTimeout(sql: Sql, attempt: number): Promise<string> {
  const usual = `${patience.lockTimeoutMs}ms`;
  if (attempt % 10 !== 2) return usual;
  // Whose tables they are of is shown to a superuser alone.
  const [row] = await sql<{ needed: string }[]>`
    select setting::integer + ${patience.lockTimeoutMs}::integer || 'ms' as needed from pg_settings
    where name = 'deadlock_timeout' and (
      exists (select from pg_stat_progress_vacuum where datname = current_database())
      or exists (select from pg_stat_progress_analyze where datname = current_database()))`;
  return row?.needed ?? usual;
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code === "55P03";
}

function refuseEdits(applied: { id: string; checksum: string }[], wanted: Migration[]): void {
  const byId = new Map(wanted.map((migration) => [migration.id, migration]));
  const own = wanted.at(-1)?.id ?? "";
  let newer: string | undefined;
  for (const row of applied) {
    const migration = byId.get(row.id);
    if (!migration) {
      newer =
        `the database has migration ${row.id}, which this version does not know: it is older than the database`;
      if (row.id < own) throw new MigrationError(newer);
    } else if (migration.checksum !== row.checksum) {
      throw new MigrationError(
        `migration ${row.id} was edited after it was applied; restore the file and add a new migration instead`,
      );
    }
  }
  const last = applied.at(-1)?.id;
  const late = wanted.find((migration) =>
    last !== undefined && migration.id < last && !applied.some((row) => row.id === migration.id)
  );
  if (late) {
    throw new MigrationError(`migration ${late.id} sorts before ${last}, which is applied already`);
  }
  if (newer !== undefined) throw new NewerDatabaseError(newer);
}
