import { join } from "node:path";
import { connect } from "../../db/connection.ts";
import { Secret } from "../../lib/secret.ts";
import { databaseUid } from "../local/identity.ts";
import { writeSecretFile } from "../local/secrets.ts";
import { BackupError } from "./error.ts";
import { decrypterOf } from "./open_backup.ts";
import { namesInArchive, readArchived } from "./wal_archive.ts";

/** Going on from a backup to a moment after it, by the WAL that the server archived. */
export interface Recovery {
  until: Date;
  /** A copy of the archive. */
  wal: string;
  /** A copy of the checkpoints of the audit log, of that moment or later. */
  checkpoints: string | undefined;
}

/** Below the server's folder, so that its user can read it wherever the archive was copied to. */
const copied = "restored_wal";
const settings = [
  "restore_command",
  "recovery_target_time",
  "recovery_target_action",
  "hot_standby",
] as const;

/** Has the next start of the server go on to that moment, and no further. */
export async function prepareRecovery(
  postgres: string,
  { until, wal, identities }: Pick<Recovery, "until" | "wal"> & { identities: Secret<string> },
): Promise<void> {
  const own = Deno.uid() === 0 ? databaseUid : Deno.uid() ?? 0;
  const give = async (path: string) => {
    if (Deno.uid() === 0) await Deno.chown(path, own, own);
  };
  const folder = join(postgres, copied);
  await Deno.mkdir(folder, { mode: 0o700 });
  await give(folder);
  let first = "";
  for await (const { name } of Deno.readDir(join(postgres, "pg_wal"))) {
    if (/^[0-9A-F]{24}$/.test(name) && (first === "" || name < first)) first = name;
  }
  let count = 0;
  const decrypter = decrypterOf(identities);
  for await (const name of namesInArchive(wal)) {
    const isSegment = /^[0-9A-F]{24}$/.test(name) && name >= first;
    if (!(isSegment || /^[0-9A-F]{8}\.history$/.test(name))) continue;
    const target = join(folder, name);
    await readArchived(wal, { name, decrypter, target });
    await give(target);
    if (isSegment) count++;
  }
  if (count === 0) throw new BackupError(`${wal} has no WAL of the time after the backup`);
  const lines = [
    `restore_command = 'test -f "${copied}/%f" && cp "${copied}/%f" "%p"'`,
    // PostgreSQL takes no abbreviation of a zone here, and Z is one.
    `recovery_target_time = '${until.toISOString().replace("Z", "+00")}'`,
    "recovery_target_action = 'promote'",
    // It counts as started when it got there, and not before.
    "hot_standby = off",
  ];
  const automatic = join(postgres, "postgresql.auto.conf");
  await writeSecretFile(
    automatic,
    `${(await Deno.readTextFile(automatic)).trimEnd()}\n${lines.join("\n")}`,
    own,
  );
  await writeSecretFile(join(postgres, "recovery.signal"), "", own);
}

/** Forgets what {@link prepareRecovery} told a server that got there. */
export async function finishRecovery(postgres: string, superuserUrl: Secret<string>) {
  const sql = connect(superuserUrl, { max: 1, applicationName: "massacorp-restore" });
  try {
    for (const name of settings) await sql.unsafe(`alter system reset ${name}`);
  } finally {
    await sql.end({ timeout: 5 });
  }
  await Deno.remove(join(postgres, copied), { recursive: true });
}

/**
 * The checkpoints that the database of that moment knows of: those after it are of a history that is given up.
 * @param audit the folder of the backup's, which are older
 */
export async function bringCheckpoints(
  audit: string,
  { from, superuserUrl }: { from: string; superuserUrl: Secret<string> },
): Promise<void> {
  const url = new URL(superuserUrl.reveal());
  url.pathname = "/massacorp";
  const sql = connect(new Secret(url.href), { max: 1, applicationName: "massacorp-restore" });
  let newest: number;
  try {
    const [row] = await sql<[{ n: number | null }]>`
      select max((receipt -> 'statement' ->> 'n')::integer) as n from audit_chains`;
    newest = row.n ?? 0;
  } finally {
    await sql.end({ timeout: 5 });
  }
  const { uid } = await Deno.stat(audit);
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (!isFile || !/^\d{4}-\d{2}-\d{2}\.jsonl$/.test(name)) continue;
    const lines = (await Deno.readTextFile(join(from, name))).split("\n");
    const known = lines.filter((line) => line !== "" && numberOf(line, name) <= newest);
    if (known.length > 0) await writeSecretFile(join(audit, name), known.join("\n"), uid ?? 0);
  }
}

function numberOf(line: string, name: string): number {
  try {
    const { n } = JSON.parse(line);
    if (Number.isInteger(n)) return n;
  } catch { /* As below. */ }
  throw new BackupError(`${name} has a line that is no checkpoint`);
}
