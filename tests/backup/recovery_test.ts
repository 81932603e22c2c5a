import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { basename, join } from "node:path";
import { connect } from "../../db/connection.ts";
import { bootstrap, databaseUrl, loginRoles } from "../../db/roles.ts";
import { migrate } from "../../db/migrate.ts";
import { loadConfig } from "../../deploy/backup/config.ts";
import { makeBackup } from "../../deploy/backup/make_backup.ts";
import { restore } from "../../deploy/backup/restore.ts";
import { archiveCommand, namesInArchive } from "../../deploy/backup/wal_archive.ts";
import { outcomeOf } from "../../deploy/demo/run.ts";
import { openDataFolder } from "../../deploy/local/data_folder.ts";
import { createIdentity, databaseUid } from "../../deploy/local/identity.ts";
import { databaseSecrets } from "../../deploy/local/secrets.ts";
import { postgresService, projectFolder } from "../../deploy/local/services.ts";
import { createTerminal } from "../../deploy/local/terminal.ts";
import { createLogger } from "../../lib/log.ts";
import { Secret } from "../../lib/secret.ts";
import { createAuditSealer } from "../../sealer/audit_sealer.ts";
import { openCheckpointFolder } from "../../sealer/checkpoint_folder.ts";
import { verifyDatabase } from "../../sealer/verify_database.ts";
import { FakeClock } from "../support/clock.ts";
import { startTestCluster, testPassword } from "../support/cluster.ts";
import { keepOutput } from "../support/output.ts";
import { signer } from "../support/sealer.ts";
import { until } from "../support/until.ts";

Deno.test("restore: to a named moment: what was committed before it is there and nothing after it, and the audit chain is whole", async (t) => {
  await using undo = new AsyncDisposableStack();
  const root = await Deno.makeTempDir({ prefix: "massacorp-recovery-" });
  undo.defer(() => Deno.remove(root, { recursive: true }));
  await Deno.chmod(root, 0o711);
  const walArchive = join(root, "wal");
  await Deno.mkdir(walArchive, { mode: 0o700 });
  await Deno.chown(walArchive, databaseUid, databaseUid);
  const cache = join(root, "cache");
  await Deno.mkdir(cache);
  await Deno.chown(cache, databaseUid, databaseUid);
  const identity = await generateX25519Identity();
  const archive = { folder: walArchive, recipients: [await identityToRecipient(identity)] };
  const command = archiveCommand(archive, cache);
  const cluster = await startTestCluster({ durable: true, archiveCommand: command });
  undo.defer(() => cluster.stop());
  const on = (role: string, database: string) =>
    databaseUrl({ role, password: testPassword, socketFolder: cluster.socketFolder, database });
  const passwords = Object.fromEntries(loginRoles.map((role) => [role, testPassword]));
  await bootstrap(on("postgres", "postgres"), passwords as never);
  const owner = connect(on("massacorp_owner", "massacorp"), { max: 1, applicationName: "test" });
  undo.defer(() => owner.end({ timeout: 5 }));
  await migrate(owner);

  const data = join(root, "data");
  const audit = join(data, "audit");
  for (
    const folder of [
      ...["supervisor", "api", "wgd", "sealer"].map((name) => `secrets/${name}`),
      ...["wgd", "audit"],
    ]
  ) {
    await Deno.mkdir(join(data, folder), { recursive: true });
  }
  await Deno.writeTextFile(
    join(data, "secrets/supervisor/postgres_password"),
    testPassword.reveal(),
  );
  const checkpoints = await openCheckpointFolder(audit, signer.publicKey);
  const sealing = connect(on("massacorp_sealer", "massacorp"), { max: 1, applicationName: "test" });
  undo.defer(() => sealing.end({ timeout: 5 }));
  const clock = new FakeClock();
  const sealer = createAuditSealer({
    sql: sealing,
    folder: checkpoints,
    path: audit,
    signer,
    clock,
    log: createLogger({ level: "debug", clock, write: keepOutput }),
    retentionMonths: null,
  });
  undo.defer(() => checkpoints.close());
  /** A tenant with an entry that is sealed and signed. */
  const commit = async (slug: string) => {
    await owner`
      with made as (insert into tenants (slug, name) values (${slug}, ${slug}) returning id)
      insert into audit_log (tenant_id, actor, action, outcome, details)
        select id, 'operator', 'tenant.create', 'succeeded', '{}'::jsonb from made`;
    while (await sealer.round());
  };

  const superuser = connect(on("postgres", "postgres"), { max: 1, applicationName: "test" });
  undo.defer(() => superuser.end({ timeout: 5 }));
  const archived = async () => {
    const [{ last }] = await superuser<[{ last: string }]>`
      select pg_walfile_name(pg_switch_wal()) as last`;
    await until("the WAL is archived", async () => {
      const [{ done }] = await superuser<[{ done: string | null }]>`
        select last_archived_wal as done from pg_stat_archiver`;
      return done !== null && done >= last;
    });
  };
  const env = {
    MASSACORP_DATA: data,
    BACKUP_FOLDER: join(root, "backups"),
    BACKUP_RECIPIENTS: archive.recipients.join(),
    BACKUP_KEEP: "1d,0w,0m",
    BACKUP_POSTGRES: cluster.dataFolder,
    POSTGRES_WAL_ARCHIVE: walArchive,
    DATABASE_SUPERUSER_URL: on("postgres", "postgres").reveal(),
  };
  const first = await makeBackup(loadConfig(env), () => new Date(Date.now() - 1000));
  equal((await Deno.readTextFile(`${first.file}.wal`)).trim(), first.manifest.database.start_wal);
  await commit("base");
  await archived();
  const before = await Array.fromAsync(namesInArchive(walArchive));
  const { file, manifest, dropped, cleared } = await makeBackup(loadConfig(env));
  // The only backup that is kept, and the archive is no older than it.
  deepEqual(dropped, [basename(first.file)]);
  equal(await Deno.stat(`${first.file}.wal`).catch(() => "gone"), "gone");
  const begin = manifest.database.start_wal ?? "";
  const older = before.filter((name) => name < begin);
  ok(older.length > 1, before.join());
  // What the server wrote by itself since then, a background writer's note or a vacuum's, is a piece more.
  const pieceOf = (name: string) => parseInt(name.slice(16, 24), 16);
  const since = pieceOf(begin) - Math.max(...older.map(pieceOf)) - 1;
  equal(cleared, older.length + since);
  for await (const { name } of Deno.readDir(walArchive)) ok(name >= begin, `${name}, ${begin}`);
  await commit("before");
  const [{ at }] = await owner<[{ at: Date }]>`select clock_timestamp() as at`;
  // The moment is told to the millisecond: what comes after it is of a later one.
  const moment = new Date(at.getTime() + 2);
  await until("the moment is over", async () => {
    const [row] = await owner<[{ over: boolean }]>`
      select clock_timestamp() > ${moment} + interval '1 ms' as over`;
    return row.over;
  }, { everyMs: 1 });
  await commit("after");
  await archived();

  const options = {
    ownerUrl: undefined,
    path: "/usr/bin:/bin",
    replace: false,
    keepSessions: false,
    revokeKeys: false,
    terminal: createTerminal((text) => void keepOutput(text)),
  };
  const keys = new Secret(identity);
  const recovery = { until: moment, wal: walArchive, checkpoints: audit };

  await t.step(
    "refused: a moment before the backup, an archive without WAL, and one that ends too early",
    async () => {
      const early = { ...recovery, until: new Date(Date.parse(manifest.created_at) - 1) };
      const target = join(root, "refused");
      await rejects(restore(file, keys, { ...options, dataFolder: target, recovery: early }), {
        message: /older than that moment/,
      });
      const empty = { ...recovery, wal: data };
      await rejects(restore(file, keys, { ...options, dataFolder: target, recovery: empty }), {
        message: /has no WAL of the time after the backup/,
      });
      const late = { ...recovery, until: new Date(moment.getTime() + 3600_000) };
      await rejects(restore(file, keys, { ...options, dataFolder: target, recovery: late }), {
        message: /recovery ended before configured recovery target was reached/,
      });
      const { code, stdout } = await outcomeOf([
        join(projectFolder, "massacorp"),
        ...["restore", file, "--identity", "-", "--until", "2026-11-28 11:00", "--wal", walArchive],
      ], { env: { MASSACORP_DATA: target }, stdin: identity, timeoutMs: 60_000 });
      equal(code, 78, stdout);
      match(stdout, /--until: must be a time with its zone/);
    },
  );

  await t.step("recovered", async () => {
    const dataFolder = join(root, "restored");
    const { settled } = await restore(file, keys, { ...options, dataFolder, recovery });
    equal(settled.sessions, 0);
    using folder = await openDataFolder(dataFolder);
    const secrets = await databaseSecrets(folder);
    const service = postgresService({
      folder,
      identity: await createIdentity([projectFolder, dataFolder, folder.sockets.postgres]),
      terminal: options.terminal,
      superuserPassword: secrets.superuser,
    });
    const server = await service.start(new AbortController().signal);
    try {
      const restored = connect(secrets.ownerUrl, { max: 1, applicationName: "test" });
      const tenants = await restored<{ slug: string }[]>`select slug from tenants order by id`;
      deepEqual(tenants.map(({ slug }) => slug), ["base", "before"]);
      const [{ recovering, command }] = await restored<
        [{ recovering: boolean; command: string }]
      >`select pg_is_in_recovery() as recovering, current_setting('recovery_target_time') as command`;
      deepEqual([recovering, command], [false, ""]);
      await restored.end();

      const text = await Deno.readTextFile(join(folder.secrets.sealer, "database_url"));
      const verifying = connect(new Secret(text.trim()), { max: 1, applicationName: "test" });
      const report = await verifyDatabase(verifying, {
        folder: folder.audit,
        publicKey: signer.publicKey,
        now: Date.now(),
      });
      await verifying.end();
      deepEqual(report.checkpoints.faults, []);
      equal(report.checkpoints.last, 2, "the third is of a history that was given up");
      deepEqual(report.tenants.map(({ fault_count }) => fault_count), [0, 0]);
    } finally {
      await server.stop();
    }
  });
});
