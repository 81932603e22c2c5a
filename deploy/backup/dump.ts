import { connect } from "../../db/connection.ts";
import type { Secret } from "../../lib/secret.ts";
import { type DatabaseNotes, describe } from "./database.ts";
import { BackupError } from "./error.ts";
import { requireProgram } from "./programs.ts";
import type { Entry } from "./tar.ts";

const partSize = 8 * 2 ** 20;

/**
 * What pg_dump of the server's version makes of a database elsewhere, as its owner; in parts, because an archive says
 * each size first.
 */
export async function* databaseDump(
  ownerUrl: Secret<string>,
  options: { path: string; notes: DatabaseNotes; atEnd: () => Promise<void> },
): AsyncGenerator<Entry> {
  const sql = connect(ownerUrl, {
    max: 1,
    maxLifetime: 7 * 86400,
    applicationName: "massacorp-backup",
  });
  const locking = connect(ownerUrl, { max: 1, applicationName: "massacorp-backup-lock" });
  try {
    const session = await sql.reserve();
    // Whatever happens: while it is reserved its pool does not end.
    using _reserved = { [Symbol.dispose]: () => session.release() };
    await describe(session, options.notes);
    const { server } = options.notes;
    const env = libpqEnv(ownerUrl, options.path);
    await requireProgram("pg_dump", { server, env });
    await session`set idle_in_transaction_session_timeout = 0`;
    await session`begin isolation level repeatable read read only`;
    let snapshot = "";
    await locking.begin(async (lock) => {
      await lock`lock table audit_chains in share mode`;
      const [row] = await session<[{ id: string; lsn: string }]>`
        select pg_export_snapshot() as id, pg_current_wal_lsn()::text as lsn`;
      snapshot = row.id;
      options.notes.start_lsn = options.notes.stop_lsn = row.lsn;
      await options.atEnd();
    });
    yield* parts(dump(env, snapshot));
    await session`commit`;
  } finally {
    await locking.end({ timeout: 5 });
    await sql.end({ timeout: 5 });
  }
}

/** libpq's variables of a URL: nothing of it is an argument that others could read. */
export function libpqEnv(url: Secret<string>, path: string): Record<string, string> {
  const parsed = new URL(url.reveal());
  const mode = parsed.searchParams.get("sslmode");
  // Of either the driver verifies certificate and name, by the host's list among others. libpq looks for a file in
  // somebody's home folder instead, and gives up.
  const verified = mode === "verify-full" || mode === "verify-ca";
  return {
    PATH: path,
    PGHOST: parsed.searchParams.get("host") ?? parsed.hostname,
    PGPORT: parsed.port || "5432",
    PGUSER: decodeURIComponent(parsed.username),
    PGPASSWORD: decodeURIComponent(parsed.password),
    PGDATABASE: decodeURIComponent(parsed.pathname.slice(1)),
    ...(verified ? { PGSSLMODE: "verify-full", PGSSLROOTCERT: "system" } : {}),
    ...(mode && !verified ? { PGSSLMODE: mode } : {}),
  };
}

async function* dump(
  env: Record<string, string>,
  snapshot: string,
): AsyncGenerator<Uint8Array> {
  const child = new Deno.Command("pg_dump", {
    args: ["--format=custom", "--compress=1", `--snapshot=${snapshot}`],
    clearEnv: true,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const words = new Response(child.stderr).text();
  yield* child.stdout;
  const { success } = await child.status;
  if (!success) throw new BackupError(`pg_dump failed: ${(await words).trim()}`);
}

async function* parts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  let n = 0;
  const part = (content: Uint8Array): Entry => ({
    path: `dump/${String(n++).padStart(6, "0")}`,
    folder: false,
    size: content.length,
    mode: 0o600,
    uid: 0,
    gid: 0,
    content: (async function* () {
      yield await Promise.resolve(content);
    })(),
  });
  let buffer = new Uint8Array(partSize);
  let used = 0;
  for await (let chunk of bytes) {
    while (chunk.length > 0) {
      const taken = chunk.subarray(0, partSize - used);
      buffer.set(taken, used);
      used += taken.length;
      chunk = chunk.subarray(taken.length);
      if (used < partSize) continue;
      yield part(buffer);
      buffer = new Uint8Array(partSize);
      used = 0;
    }
  }
  if (used > 0) yield part(buffer.subarray(0, used));
}
