import { parseArgs } from "node:util";
import { ConfigError } from "../../lib/env.ts";
import { Secret } from "../../lib/secret.ts";
import { createTerminal, faultsOf, type Terminal } from "../local/terminal.ts";
import { type BackupConfig, loadConfig } from "./config.ts";
import { makeBackup } from "./make_backup.ts";
import { verifyBackup } from "./open_backup.ts";
import type { Recovery } from "./recovery.ts";
import { restore } from "./restore.ts";

const usage = `usage: ./massacorp backup
       ./massacorp backup --verify FILE --identity KEYS
       ./massacorp restore FILE --identity KEYS [--replace] [--revoke-keys] [--keep-sessions]
                           [--until TIME --wal FOLDER [--checkpoints FOLDER]]

  --verify FILE    read a backup to its end, and hold it against its manifest
  --identity KEYS  a file of age-keygen's; - for the standard input
  --replace        move what is in the data folder aside, into a folder before-restore-…
  --revoke-keys    revoke every API key: one that was revoked after the backup would be good again
  --keep-sessions  do not end sessions, links and trusted devices
  --until TIME     go on to this moment, such as 2026-11-28T11:05:00Z
  --wal FOLDER     where the server archived its WAL (POSTGRES_WAL_ARCHIVE), or a copy
  --checkpoints F  the audit folder, or a copy, of that moment or later`;

async function main([command, ...args]: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      verify: { type: "string" },
      identity: { type: "string" },
      replace: { type: "boolean", default: false },
      "revoke-keys": { type: "boolean", default: false },
      "keep-sessions": { type: "boolean", default: false },
      until: { type: "string" },
      wal: { type: "string" },
      checkpoints: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    terminal.say(usage);
    return 0;
  }
  const config = loadConfig();
  const [file, ...more] = positionals;
  if (command === "backup" && positionals.length === 0) {
    if (values.verify !== undefined) {
      const { created_at, version, database, files } = await verifyBackup(
        values.verify,
        await readIdentities(values.identity),
      );
      const size = files.reduce((sum, each) => sum + each.size, 0);
      terminal.step("whole", `${values.verify}: ${files.length} files, ${size} bytes`);
      terminal.step(
        "made",
        `${created_at} by MassaCorp ${version} of PostgreSQL ${database.server}`,
      );
      terminal.step("schema", database.migrations.at(-1) ?? "none");
      return 0;
    }
    await mayWrite(config);
    const { file, size, dropped, cleared } = await makeBackup(config);
    terminal.step("backup", `${file}, ${size} bytes`);
    for (const name of dropped) terminal.step("dropped", `${name}, past its retention`);
    if (typeof cleared === "object") {
      terminal.step("archive", `kept whole: ${cleared.unknown} has no note of its WAL beside it`);
    } else if (cleared > 0) {
      terminal.step("archive", `${cleared} piece(s) of WAL from before the oldest backup went`);
    }
    return 0;
  }
  if (command !== "restore" || file === undefined || more.length > 0) {
    terminal.say(usage);
    return 2;
  }
  const { manifest, settled, aside } = await restore(file, await readIdentities(values.identity), {
    dataFolder: config.dataFolder,
    ownerUrl: config.ownerUrl,
    path: config.path,
    replace: values.replace,
    keepSessions: values["keep-sessions"],
    revokeKeys: values["revoke-keys"],
    recovery: recoveryOf(values),
    terminal,
  });
  terminal.step(
    "ended",
    `${settled.sessions} sessions, ${settled.links} links, ${settled.mails} mails`,
  );
  terminal.say(
    `\nWhat was changed after ${
      values.until ?? manifest.created_at
    } is not in it. ${settled.peersLeft} peers and ` +
      `${settled.keysLeft} API keys are good again, also those that were revoked since: revoke them again.` +
      (aside ? `\nWhat was here before is in ${aside}.` : "") +
      "\nNow start it:  ./massacorp up",
  );
  return 0;
}

/** A unit of systemd writes where its file lets it. @throws {ConfigError} where that is elsewhere */
async function mayWrite({ folder, walArchive }: BackupConfig): Promise<void> {
  const faults: string[] = [];
  const ask = async (name: string, path: string, own: string) => {
    const { state } = await Deno.permissions.query({ name: "write", path });
    if (state === "granted") return;
    faults.push(`${name}: massacorp-backup.service writes to ${own} alone; mount ${path} there`);
  };
  await ask("BACKUP_FOLDER", folder, "/var/backups/massacorp");
  if (walArchive !== undefined) await ask("POSTGRES_WAL_ARCHIVE", walArchive, "/var/lib/wal");
  if (faults.length > 0) throw new ConfigError(faults);
}

/** @throws {TypeError} where one is named without the other, or the time is none */
function recoveryOf(
  { until, wal, checkpoints }: { until?: string; wal?: string; checkpoints?: string },
): Recovery | undefined {
  if (until === undefined && wal === undefined && checkpoints === undefined) return undefined;
  if (until === undefined || wal === undefined) throw new TypeError("--until: goes with --wal");
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(
    until,
  );
  const at = new Date(until);
  if (!isTime || Number.isNaN(at.getTime())) {
    throw new TypeError("--until: must be a time with its zone, such as 2026-11-28T11:05:00Z");
  }
  return { until: at, wal, checkpoints };
}

async function readIdentities(from: string | undefined): Promise<Secret<string>> {
  if (from === undefined) {
    throw new TypeError("--identity: is required: a file of age-keygen's, or -");
  }
  return new Secret(
    from === "-" ? await new Response(Deno.stdin.readable).text() : await Deno.readTextFile(from),
  );
}

if (import.meta.main) {
  const terminal = createTerminal();
  try {
    Deno.exit(await main(Deno.args, terminal));
  } catch (error) {
    for (const fault of faultsOf(error)) terminal.say(`${Deno.args[0] ?? "backup"}: ${fault}`);
    Deno.exit(error instanceof ConfigError || error instanceof TypeError ? 78 : 1);
  }
}
