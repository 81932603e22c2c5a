import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { isThere } from "../lib/absent.ts";
import { createIdentity, databaseUid } from "../deploy/local/identity.ts";
import { Secret } from "../lib/secret.ts";
import { connect } from "./connection.ts";
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from "./embedded.ts";
import { bootstrap, databaseUrl, loginRoles } from "./roles.ts";

const password = new Secret("quote's and : @ / %");

/** A place for a server, stopped and removed at the end. */
async function place() {
  const root = await Deno.makeTempDir({ prefix: "massacorp-embedded-" });
  await Deno.chmod(root, 0o711);
  const socketFolder = join(root, "socket");
  await Deno.mkdir(socketFolder);
  const isRoot = Deno.uid() === 0;
  if (isRoot) await Deno.chown(socketFolder, databaseUid, databaseUid);
  const identity = await createIdentity([Deno.cwd(), root]);
  const options: EmbeddedOptions = {
    dataFolder: join(root, "postgres"),
    socketFolder,
    superuserPassword: password,
    durable: false,
    ...(isRoot
      ? {
        user: {
          uid: databaseUid,
          runAs: (uid, argv) => identity.drop(argv, { uid, deathSignal: "INT" }),
        },
      }
      : {}),
  };
  const started: EmbeddedServer[] = [];
  return {
    options,
    async start(more: Partial<EmbeddedOptions> = {}) {
      const server = await startEmbedded({ ...options, ...more });
      started.push(server);
      return server;
    },
    async [Symbol.asyncDispose]() {
      for (const server of started) await server.stop();
      await Deno.remove(root, { recursive: true });
    },
  };
}

async function ask(url: Secret<string>, question: string): Promise<unknown> {
  const sql = connect(url, { max: 1, applicationName: "test-embedded" });
  try {
    const [row] = await sql.unsafe(question).values();
    return row?.[0];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

Deno.test("startEmbedded: the real PostgreSQL 16, on a socket alone, with a password for everybody", async () => {
  await using here = await place();
  const server = await here.start();
  match(String(await ask(server.superuserUrl, "show server_version")), /^16\./);
  equal(await ask(server.superuserUrl, "show listen_addresses"), "");
  equal(await ask(server.superuserUrl, "show data_checksums"), "on");
  equal(
    await ask(
      server.superuserUrl,
      "select string_agg(distinct auth_method, ',') from pg_hba_file_rules where type = 'local'",
    ),
    "scram-sha-256",
  );
  const wrong = databaseUrl({
    role: "postgres",
    password: new Secret("guessed"),
    socketFolder: here.options.socketFolder,
    database: "postgres",
  });
  await rejects(ask(wrong, "select 1"), { code: "28P01" });
});

Deno.test("startEmbedded: what is not told to be volatile is durable", async () => {
  await using here = await place();
  const { durable: _, ...untold } = here.options;
  await using told = new AsyncDisposableStack();
  const server = told.adopt(await startEmbedded(untold), (server) => server.stop());
  for (const setting of ["fsync", "synchronous_commit", "full_page_writes"]) {
    equal(await ask(server.superuserUrl, `show ${setting}`), "on");
  }
});

Deno.test("startEmbedded: D2: what was committed survives kill -9 of the server", async () => {
  await using here = await place();
  const first = await here.start({ durable: true });
  await ask(first.superuserUrl, "create table kept (n int)");
  await ask(first.superuserUrl, "insert into kept values (42)");
  Deno.kill(first.pid, "SIGKILL");
  await first.exited;
  const second = await here.start({ durable: true });
  equal(await ask(second.superuserUrl, "select n from kept"), 42);
});

Deno.test("startEmbedded: a pid left behind and used again by another process is no obstacle", async () => {
  await using here = await place();
  await (await here.start()).stop();
  // A living process of the very user that PostgreSQL runs as: it would take that for another server.
  const asServer = (argv: string[]) =>
    here.options.user?.runAs(here.options.user.uid, argv) ?? argv;
  const [program = "", ...args] = asServer(["sleep", "60"]);
  const stranger = new Deno.Command(program, { args }).spawn();
  try {
    const lock = join(here.options.dataFolder, "postmaster.pid");
    await Deno.writeTextFile(lock, `${stranger.pid}\n${here.options.dataFolder}\n1\n5432\n`);
    if (here.options.user) await Deno.chown(lock, here.options.user.uid, here.options.user.uid);
    const server = await here.start();
    equal(await ask(server.superuserUrl, "select 1"), 1);
  } finally {
    stranger.kill("SIGKILL");
    await stranger.status;
  }
});

Deno.test("startEmbedded: what an interrupted first start left is made anew", async () => {
  await using here = await place();
  await Deno.mkdir(join(`${here.options.dataFolder}.new`, "base"), { recursive: true });
  const server = await here.start();
  equal(await ask(server.superuserUrl, "select 1"), 1);
  const names = Array.from(
    Deno.readDirSync(join(here.options.dataFolder, "..")),
    ({ name }) => name,
  );
  deepEqual(names.sort(), ["postgres", "socket"]);
});

Deno.test("startEmbedded: a server that cannot start fails with its last words", async () => {
  await using here = await place();
  await (await here.start()).stop();
  await Deno.writeTextFile(
    join(here.options.dataFolder, "postgresql.conf"),
    "no_such_setting = 1\n",
  );
  await rejects(here.start(), /did not start:[^]*no_such_setting/);
});

Deno.test({
  name:
    "startEmbedded: ownRules: root comes into the folder of a server of somebody else's, and nobody else without a password",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using of = await place();
    const theirs = await of.start();
    await theirs.stop();
    const { dataFolder, socketFolder } = of.options;
    // Debian has them in /etc/postgresql.
    await Deno.remove(join(dataFolder, "postgresql.conf"));
    await Deno.writeTextFile(join(dataFolder, "pg_hba.conf"), "local all all reject\n");
    const ours = await of.start({ ownRules: true, superuserPassword: new Secret("unknown") });
    equal(await ask(ours.superuserUrl, "select current_user"), "postgres");
    const url = databaseUrl({
      role: "massacorp_owner",
      password: new Secret("none"),
      socketFolder,
      database: "postgres",
    });
    await ask(ours.superuserUrl, "create role massacorp_owner login password 'another'");
    await rejects(ask(url, "select 1"), { code: "28P01" });
    await ours.stop();
    await rejects(Deno.stat(`${dataFolder}.rules`), Deno.errors.NotFound);
  },
});

Deno.test("stop: lets nobody wait, and leaves nothing running", async () => {
  await using here = await place();
  const server = await here.start();
  const sql = connect(server.superuserUrl, { max: 1, applicationName: "test-embedded" });
  const open = await sql.reserve();
  await open`begin`;
  const began = performance.now();
  await server.stop();
  // Who has a transaction open is not waited for until the server is killed.
  ok(performance.now() - began < 20_000);
  equal(await isThere(`/proc/${server.pid}`), false);
  await sql.end({ timeout: 0 }).catch(() => {});
});

Deno.test("bootstrap: every role logs in with its own password, and twice is as good as once", async () => {
  await using here = await place();
  const server = await here.start();
  const passwords = {
    massacorp_owner: new Secret("owner"),
    massacorp_api: new Secret("api"),
    massacorp_platform: new Secret("platform"),
    massacorp_wgd: new Secret("wgd' or 1=1 --"),
    massacorp_sealer: new Secret("sealer"),
  };
  const stored = () =>
    ask(
      server.superuserUrl,
      "select string_agg(rolname || rolpassword, ' ' order by rolname) from pg_authid",
    );
  await bootstrap(server.superuserUrl, passwords);
  const before = await stored();
  await bootstrap(server.superuserUrl, passwords);
  equal(await stored(), before, "a password in force is left alone");
  for (const role of loginRoles) {
    const url = databaseUrl({
      role,
      password: passwords[role],
      socketFolder: here.options.socketFolder,
      database: "massacorp",
    });
    equal(await ask(url, "select current_user"), role);
  }
  const changed = { ...passwords, massacorp_api: new Secret("changed") };
  await bootstrap(server.superuserUrl, changed);
  const old = databaseUrl({
    role: "massacorp_api",
    password: passwords.massacorp_api,
    socketFolder: here.options.socketFolder,
    database: "massacorp",
  });
  await rejects(ask(old, "select 1"), { code: "28P01" });
});
