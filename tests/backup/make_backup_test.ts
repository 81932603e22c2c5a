import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { connect } from "../../db/connection.ts";
import { startEmbedded } from "../../db/embedded.ts";
import { bootstrap, databaseUrl, loginRoles } from "../../db/roles.ts";
import { migrate } from "../../db/migrate.ts";
import { loadConfig } from "../../deploy/backup/config.ts";
import { makeBackup } from "../../deploy/backup/make_backup.ts";
import { openBackup, verifyBackup } from "../../deploy/backup/open_backup.ts";
import { createIdentity, databaseUid } from "../../deploy/local/identity.ts";
import { Secret } from "../../lib/secret.ts";
import { startTestCluster, testPassword } from "../support/cluster.ts";
import { smallDisk } from "../support/disk.ts";
import { keepAll } from "../support/output.ts";
import { until } from "../support/until.ts";
import { projectFolder } from "../support/up.ts";

async function workshop() {
  await using undo = new AsyncDisposableStack();
  const cluster = await startTestCluster({ durable: true });
  undo.defer(() => cluster.stop());
  const on = (role: string, database: string) =>
    databaseUrl({ role, password: testPassword, socketFolder: cluster.socketFolder, database });
  const passwords = Object.fromEntries(loginRoles.map((role) => [role, testPassword]));
  await bootstrap(on("postgres", "postgres"), passwords as never);
  const owner = connect(on("massacorp_owner", "massacorp"), { max: 2, applicationName: "test" });
  undo.defer(() => owner.end({ timeout: 5 }));
  const superuser = connect(on("postgres", "massacorp"), { max: 1, applicationName: "test" });
  undo.defer(() => superuser.end({ timeout: 5 }));
  await migrate(owner);
  const root = await Deno.makeTempDir({ prefix: "massacorp-backup-" });
  undo.defer(() => Deno.remove(root, { recursive: true }));
  await Deno.chmod(root, 0o711);
  for (const folder of ["data/secrets/api", "data/wgd", "data/audit"]) {
    await Deno.mkdir(join(root, folder), { recursive: true });
  }
  await Deno.writeTextFile(join(root, "data/wgd/gateway.key"), "key\n");
  await Deno.writeTextFile(join(root, "data/wgd/snapshot"), "not this one");
  await Deno.writeTextFile(join(root, "data/audit/2026-01-01.jsonl"), "{}\n");
  const identity = await generateX25519Identity();
  const env = {
    MASSACORP_DATA: join(root, "data"),
    BACKUP_FOLDER: join(root, "backups"),
    BACKUP_RECIPIENTS: await identityToRecipient(identity),
    BACKUP_METRICS: join(root, "metrics.prom"),
    BACKUP_POSTGRES: cluster.dataFolder,
    BACKUP_KEEP: "1d,0w,0m",
    DATABASE_SUPERUSER_URL: on("postgres", "postgres").reveal(),
  };
  const held = undo.move();
  return {
    root,
    cluster,
    owner,
    superuser,
    env,
    config: loadConfig(env),
    keys: new Secret(identity),
    backups: () => Array.fromAsync(Deno.readDir(env.BACKUP_FOLDER), ({ name }) => name),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const finished = (names: string[]) => names.filter((name) => name.endsWith(".age")).sort();

Deno.test("makeBackup: has all that was committed before it ended, however the server wrote meanwhile, and keeps what retention says", async () => {
  await using shop = await workshop();
  const { owner, superuser } = shop;
  await owner`create table noise (id integer primary key, text text)`;
  await owner`insert into noise select n, repeat('x', 1000) from generate_series(1, 20000) n`;
  let on = true;
  let acknowledged = 20_000;
  const writing = (async () => {
    while (on) {
      await owner`insert into noise select ${acknowledged + 1}, repeat('y', 1000)`;
      acknowledged++;
      // WAL that a checkpoint would recycle, and pages that are torn while they are copied.
      if (acknowledged % 200 === 0) {
        await owner`update noise set text = repeat('z', 1000) where id < 5000`;
      }
    }
  })();
  const checkpoints = (async () => {
    const sql = connect(new Secret(shop.env.DATABASE_SUPERUSER_URL), {
      max: 1,
      applicationName: "test",
    });
    while (on) await sql`checkpoint`;
    await sql.end();
  })();
  const before = acknowledged;
  const { file, manifest } = await makeBackup(shop.config);
  on = false;
  await Promise.all([writing, checkpoints]);
  ok(acknowledged > before);
  deepEqual(await superuser`select slot_name from pg_replication_slots`, []);

  const folder = join(shop.root, "restored");
  await Deno.mkdir(folder, { mode: 0o700 });
  const others: string[] = [];
  for await (const { path, folder: isFolder, content } of openBackup(file, shop.keys)) {
    if (!path.startsWith("postgres")) others.push(path);
    if (!path.startsWith("postgres/")) continue;
    const target = join(folder, path.slice("postgres/".length));
    if (isFolder) await Deno.mkdir(target, { mode: 0o700 });
    else {await Deno.writeFile(
        target,
        content instanceof ReadableStream ? content : ReadableStream.from(content),
      );}
  }
  deepEqual(others, [
    ...["audit", "audit/2026-01-01.jsonl", "secrets", "secrets/api"],
    ...["wgd", "wgd/gateway.key", "manifest.json"],
  ]);
  ok(manifest.database.stop_lsn > manifest.database.start_lsn);
  const chown = new Deno.Command("chown", { args: ["-R", String(databaseUid), folder] });
  equal((await chown.output()).success, true);
  const socketFolder = join(shop.root, "socket");
  await Deno.mkdir(socketFolder);
  await Deno.chown(socketFolder, databaseUid, databaseUid);
  const identity = await createIdentity([Deno.cwd(), folder, socketFolder]);
  const server = await startEmbedded({
    dataFolder: folder,
    socketFolder,
    superuserPassword: testPassword,
    user: {
      uid: databaseUid,
      runAs: (uid, argv) => identity.drop(argv, { uid, deathSignal: "INT" }),
    },
  });
  try {
    const url = databaseUrl({
      role: "postgres",
      password: testPassword,
      socketFolder,
      database: "massacorp",
    });
    const restored = connect(url, { max: 1, applicationName: "test" });
    const [row] = await restored`
      select count(*)::integer as n, max(id) as last, bool_and(length(text) = 1000) as whole from noise`;
    // Every page of every table and index.
    await restored`create extension amcheck`;
    await restored`
      select bt_index_check(c.oid, true) from pg_class c join pg_am a on a.oid = c.relam
      where a.amname = 'btree' and c.relkind = 'i'`;
    await restored.end();
    equal(row?.n, row?.last, "none is missing in between");
    equal(row?.whole, true);
    ok(row?.n >= before && row?.n <= acknowledged, `${before} <= ${row?.n} <= ${acknowledged}`);
  } finally {
    await server.stop();
  }

  const second = await makeBackup(shop.config, () => new Date(Date.now() + 2000));
  deepEqual(second.dropped, [file.split("/").at(-1)]);
  deepEqual(finished(await shop.backups()), [second.file.split("/").at(-1)]);
  // Where nothing can be said of it, the older ones go nevertheless.
  const mute = { ...shop.config, metrics: join(shop.root, "nowhere/metrics.prom") };
  await rejects(makeBackup(mute, () => new Date(Date.now() + 4000)), Deno.errors.NotFound);
  equal(finished(await shop.backups()).length, 1);
  notEqual(finished(await shop.backups())[0], second.file.split("/").at(-1));
});

Deno.test("makeBackup: killed, on a full disk, or without its database, it leaves the good one, no half one, and no slot", async () => {
  await using shop = await workshop();
  await shop
    .owner`create table noise as select n, repeat(md5(n::text), 100) as text from generate_series(1, 20000) n`;
  await using disk = await smallDisk(shop.env.BACKUP_FOLDER, { kilobytes: 400_000 });
  const good = await makeBackup(shop.config);
  const metrics = await Deno.readTextFile(shop.env.BACKUP_METRICS);
  const name = good.file.split("/").at(-1) ?? "";
  const isUntouched = async () => {
    deepEqual(finished(await shop.backups()), [name]);
    await verifyBackup(good.file, shop.keys);
    equal(await Deno.readTextFile(shop.env.BACKUP_METRICS), metrics);
    await until("no slot keeps the server's WAL", async () => {
      return (await shop.superuser`select from pg_replication_slots`).length === 0;
    });
  };
  const hasPartial = async () => (await shop.backups()).some((each) => each.endsWith(".partial"));

  await shop.owner.begin(async (sql) => {
    // What it waits for at its end, so that it is in the middle until it is killed.
    await sql`lock table audit_chains in row exclusive mode`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", join(projectFolder, "deploy/backup/main.ts"), "backup"],
      env: shop.env,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const heard = child.output().then(({ stdout, stderr }) =>
      keepAll(new TextDecoder().decode(stdout), new TextDecoder().decode(stderr))
    );
    await until("it writes", hasPartial);
    await rejects(makeBackup(shop.config), { message: /another backup is being made/ });
    child.kill("SIGKILL");
    equal((await child.status).signal, "SIGKILL");
    await heard;
  });
  equal(await hasPartial(), true, "it was killed in the middle");
  await isUntouched();

  await disk.fill();
  await rejects(makeBackup(shop.config), /No space left/);
  equal(await hasPartial(), false, "nor what the kill left");
  await isUntouched();
  await disk.makeRoom();

  await shop.cluster.down();
  await rejects(makeBackup(shop.config));
  await shop.cluster.up();
  equal(await hasPartial(), false);
  await isUntouched();
  match(good.file, /massacorp-\d{8}T\d{6}Z\.tar\.age$/);
});
