import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { connect } from "../../db/connection.ts";
import { startEmbedded } from "../../db/embedded.ts";
import { Secret } from "../../lib/secret.ts";
import { until } from "../../tests/support/until.ts";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { createIdentity, databaseUid } from "../local/identity.ts";
import { finishRecovery, prepareRecovery } from "./recovery.ts";
import { archiveCommand } from "./wal_archive.ts";

async function copyFolder(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  equal(success, true);
}

Deno.test("prepareRecovery: the server goes on by its archived WAL to the moment, and no further", async () => {
  await using undo = new AsyncDisposableStack();
  const root = await Deno.makeTempDir({ prefix: "massacorp-recovery-" });
  undo.defer(() => Deno.remove(root, { recursive: true }));
  await Deno.chmod(root, 0o711);
  const isRoot = Deno.uid() === 0;
  const [socketFolder, wal] = [join(root, "socket"), join(root, "wal")];
  const cache = join(root, "cache");
  const key = await generateX25519Identity();
  const identities = new Secret(key);
  const archive = { folder: wal, recipients: [await identityToRecipient(key)] };
  for (const folder of [socketFolder, wal, cache]) {
    await Deno.mkdir(folder, { mode: 0o700 });
    if (isRoot) await Deno.chown(folder, databaseUid, databaseUid);
  }
  const identity = await createIdentity([Deno.cwd(), Deno.execPath(), root]);
  const start = (name: string) =>
    startEmbedded({
      dataFolder: join(root, name),
      socketFolder,
      superuserPassword: new Secret("only-for-tests"),
      ...(name === "first" ? { archiveCommand: archiveCommand(archive, cache) } : {}),
      ...(isRoot
        ? {
          user: {
            uid: databaseUid,
            runAs: (uid, argv) => identity.drop(argv, { uid, deathSignal: "INT" }),
          },
        }
        : {}),
    });
  // A server that was shut down is its own base backup.
  await (await start("first")).stop();
  await copyFolder(join(root, "first"), join(root, "second"));
  await copyFolder(join(root, "first"), join(root, "late"));
  const server = await start("first");
  const sql = connect(server.superuserUrl, { max: 1, applicationName: "test" });
  let moment = new Date(0);
  try {
    await sql`create table said as select 'before' as word`;
    const [{ at }] = await sql<[{ at: Date }]>`select clock_timestamp() as at`;
    moment = new Date(at.getTime() + 2);
    await until("the moment is over", async () => {
      const [{ over }] = await sql<[{ over: boolean }]>`
        select clock_timestamp() > ${moment}::timestamptz + interval '1 ms' as over`;
      return over;
    }, { everyMs: 1 });
    await sql`insert into said values ('after')`;
    const [{ last }] = await sql<[{ last: string }]>`
      select pg_walfile_name(pg_switch_wal()) as last`;
    await until("the WAL is archived", async () => {
      const [{ done }] = await sql<[{ done: string | null }]>`
        select last_archived_wal as done from pg_stat_archiver`;
      return done !== null && done >= last;
    }, { timeoutMs: 60_000 });
  } finally {
    await sql.end();
    await server.stop();
  }

  const second = join(root, "second");
  await rejects(prepareRecovery(second, { until: moment, wal: socketFolder, identities }), {
    message: /has no WAL of the time after the backup/,
  });
  await Deno.remove(join(second, "restored_wal"), { recursive: true });
  await prepareRecovery(second, { until: moment, wal, identities });
  const restored = await start("second");
  try {
    await finishRecovery(second, restored.superuserUrl);
    const sql = connect(restored.superuserUrl, { max: 1, applicationName: "test" });
    const words = await sql<{ word: string }[]>`select word from said`;
    deepEqual(words.map(({ word }) => word), ["before"]);
    await sql`insert into said values ('and goes on')`;
    await sql.end();
  } finally {
    await restored.stop();
  }
  const settings = await Deno.readTextFile(join(second, "postgresql.auto.conf"));
  equal(/recovery_target|restore_command/.test(settings), false, "it is a server like any other");
  await (await start("second")).stop();

  const late = join(root, "late");
  const other = new Secret(await generateX25519Identity());
  await rejects(prepareRecovery(late, { until: moment, wal, identities: other }), {
    message: /no identity that was given opens/,
  });
  await Deno.remove(join(late, "restored_wal"), { recursive: true });
  await prepareRecovery(late, { until: new Date(moment.getTime() + 3600_000), wal, identities });
  await rejects(start("late"), {
    message: /recovery ended before configured recovery target was reached/,
  });
});
