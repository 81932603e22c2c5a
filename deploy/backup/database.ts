import { join } from "node:path";
import { connect, type Sql } from "../../db/connection.ts";
import type { Secret } from "../../lib/secret.ts";
import { BackupError } from "./error.ts";
import { walk } from "./files.ts";
import { textEntry } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";
import type { Entry } from "./tar.ts";

export interface DatabaseSource {
  /** The superuser, on the database of MassaCorp. */
  superuserUrl: Secret<string>;
  /** The server's data folder, as seen from here. */
  folder: string;
}

/** What the copy of a database needs to be told of, filled while it is read. */
export type DatabaseNotes = Manifest["database"];

/**
 * A base backup of a running server, file by file, with the WAL that makes it whole; nobody has to wait for it.
 * A temporary slot keeps that WAL; the server drops it with the session, however this process ends.
 *
 * @param options.atEnd runs when the state of the backup is reached, while no checkpoint of the audit log can be
 * noted in the database
 */
export async function* databaseFiles(
  { superuserUrl, folder }: DatabaseSource,
  options: { notes: DatabaseNotes; atEnd: () => Promise<void> },
): AsyncGenerator<Entry> {
  const { notes } = options;
  const sql = connect(superuserUrl, {
    max: 1,
    maxLifetime: 7 * 86400,
    applicationName: "massacorp-backup",
  });
  const locking = connect(superuserUrl, { max: 1, applicationName: "massacorp-backup-lock" });
  try {
    const session = await sql.reserve();
    // Whatever happens: while it is reserved its pool does not end.
    using _reserved = { [Symbol.dispose]: () => session.release() };
    const slot = `massacorp_backup_${crypto.randomUUID().slice(0, 8)}`;
    // The time that a statement may take is not for this one.
    await session`set statement_timeout = 0`;
    await session`select pg_create_physical_replication_slot(${slot}, true, true)`;
    const [began] = await session<
      [{ lsn: string; server: string; wal_file: string; own: boolean }]
    >`
      select lsn::text, pg_walfile_name(lsn) as wal_file, current_setting('server_version') as server
      from pg_backup_start('massacorp', true) as lsn`;
    await describe(session, notes);
    notes.start_lsn = began.lsn;
    notes.start_wal = began.wal_file;
    const owner = await Deno.stat(join(folder, "PG_VERSION"));
    const of = { uid: owner.uid ?? 0, gid: owner.gid ?? 0 };
    yield* walk(folder, "postgres", { wanted: isCopied });
    // As pg_basebackup does: last, so that it is no older than what it speaks of.
    yield* walk(join(folder, "global/pg_control"), "postgres/global/pg_control");

    let ended: { lsn: string; labelfile: string; spcmapfile: string; wal_file: string } | undefined;
    await locking.begin(async (lock) => {
      await lock`lock table audit_chains in share mode`;
      await options.atEnd();
      [ended] = await session<[NonNullable<typeof ended>]>`
        select lsn::text, labelfile, spcmapfile, pg_walfile_name(lsn) as wal_file
        from pg_backup_stop(false)`;
    });
    if (!ended) throw new BackupError("the server did not end the backup");
    if (ended.spcmapfile.trim() !== "") {
      throw new BackupError(
        "the database has tablespaces, which are not copied: use pg_basebackup",
      );
    }
    notes.stop_lsn = ended.lsn;
    yield textEntry("postgres/backup_label", ended.labelfile, of);
    yield* walSegments(folder, began.wal_file, ended.wal_file);
  } finally {
    await locking.end({ timeout: 5 });
    await sql.end({ timeout: 5 });
  }
}

/** Version and migrations of a database. */
export async function describe(sql: Sql, notes: DatabaseNotes): Promise<void> {
  const [about] = await sql<
    [{ server: string }]
  >`select current_setting('server_version') as server`;
  const rows = await sql<{ id: string }[]>`select id from public.schema_migrations order by id`;
  notes.server = about.server;
  notes.migrations = rows.map(({ id }) => id);
}

/** Folders whose content a server makes anew, and files that are of the running server alone. */
const emptied = [
  "pg_wal",
  "pg_replslot",
  "pg_dynshmem",
  "pg_notify",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_subtrans",
];
const leftOut =
  /^postgres\/(postmaster\.(pid|opts)|backup_label(\.old)?|tablespace_map(\.old)?|current_logfiles(\.tmp)?|global\/pg_control|.*\/?pg_internal\.init(\.\d+)?|.*pgsql_tmp.*)$/;

function isCopied(path: string): boolean {
  if (leftOut.test(path)) return false;
  if (path === "postgres/pg_wal/archive_status") return true;
  return !emptied.some((folder) => path.startsWith(`postgres/${folder}/`));
}

async function* walSegments(folder: string, first: string, last: string): AsyncGenerator<Entry> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(join(folder, "pg_wal"))) {
    const isSegment = /^[0-9A-F]{24}$/.test(name);
    if (isSegment ? name >= first && name <= last : name.endsWith(".history")) names.push(name);
  }
  if (!names.includes(first) || !names.includes(last)) {
    throw new BackupError(`the server did not keep its WAL from ${first} to ${last}`);
  }
  for (const name of names.sort()) {
    yield* walk(join(folder, "pg_wal", name), `postgres/pg_wal/${name}`);
  }
}
