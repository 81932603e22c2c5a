import { deepEqual, equal, rejects } from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { connect } from "../../db/connection.ts";
import { bootstrap, databaseUrl, loginRoles } from "../../db/roles.ts";
import { migrate } from "../../db/migrate.ts";
import { loadConfig } from "../../deploy/backup/config.ts";
import { makeBackup } from "../../deploy/backup/make_backup.ts";
import { verifyBackup } from "../../deploy/backup/open_backup.ts";
import { restore } from "../../deploy/backup/restore.ts";
import { run } from "../../deploy/demo/run.ts";
import { createTerminal } from "../../deploy/local/terminal.ts";
import { Secret } from "../../lib/secret.ts";
import { testPassword } from "../support/cluster.ts";
import { seedEverything } from "../support/seed.ts";

/**
 * Debian's own PostgreSQL: server, pg_dump and pg_restore of one version, which the embedded one lacks. It is 15 in Debian
 * 12, and the way is the same.
 */
async function debianServer() {
  await using undo = new AsyncDisposableStack();
  const versions = await Array.fromAsync(Deno.readDir("/usr/lib/postgresql"), ({ name }) => name);
  const bin = `/usr/lib/postgresql/${versions.sort().at(-1)}/bin`;
  const root = await Deno.makeTempDir({ prefix: "massacorp-dump-" });
  undo.defer(() => Deno.remove(root, { recursive: true }));
  await Deno.chmod(root, 0o711);
  const server = join(root, "server");
  // The package's own user.
  await run(["install", "-d", "-o", "postgres", "-m", "755", server]);
  const as = (...args: string[]) =>
    run(["runuser", "-u", "postgres", "--", ...args], { timeoutMs: 60_000 });
  const data = join(server, "data");
  await as(`${bin}/initdb`, "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8");
  const options = `-c listen_addresses= -c fsync=off -k ${server}`;
  await as(`${bin}/pg_ctl`, "-D", data, "-o", options, "-l", `${server}/log`, "-w", "start");
  undo.defer(async () => {
    await as(`${bin}/pg_ctl`, "-D", data, "-m", "immediate", "-w", "stop");
  });
  const held = undo.move();
  return {
    root,
    bin,
    url: (role: string, database: string) =>
      databaseUrl({ role, password: testPassword, socketFolder: server, database }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** How many rows each table has, and what a schema is made of. */
async function contents(ownerUrl: Secret<string>) {
  await using db = pool(ownerUrl);
  const tables = await db.sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by relname`;
  const rows = new Map<string, number>();
  for (const { name } of tables) {
    const [row] = await db.sql<[{ n: number }]>`select count(*)::integer as n from ${db.sql(name)}`;
    rows.set(name, row.n);
  }
  const [{ schema }] = await db.sql<[{ schema: string[] }]>`
    select array_agg(what order by what) as schema from (
      select 'policy ' || tablename || ' ' || policyname || coalesce(qual, '') as what from pg_policies
      union all select 'trigger ' || tgrelid::regclass || ' ' || pg_get_triggerdef(oid)
        from pg_trigger where not tgisinternal
      union all select 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
        from pg_constraint where connamespace = 'public'::regnamespace and contype <> 't'
      union all select 'function ' || oid::regprocedure || md5(prosrc) || coalesce(proacl::text, '')
        from pg_proc where pronamespace = 'public'::regnamespace
      union all select 'table ' || oid::regclass || relrowsecurity || relforcerowsecurity
        || coalesce(relacl::text, '') from pg_class where relnamespace = 'public'::regnamespace
      union all select 'column ' || attrelid::regclass || ' ' || attname || ' ' || attacl::text
        from pg_attribute where attacl is not null
    ) all_of_it`;
  return { rows, schema };
}

Deno.test("backup: of a server elsewhere, by pg_dump: restored into an empty database it has every row, and the same schema", async () => {
  await using server = await debianServer();
  const { root, url, bin } = server;
  const passwords = Object.fromEntries(loginRoles.map((role) => [role, testPassword]));
  await bootstrap(url("postgres", "postgres"), passwords as never);
  await using maintenance = pool(url("postgres", "postgres"));
  // Before 16 this attribute decides about memberships too, the one of a database's owner in its schema among them.
  await maintenance.sql`alter role massacorp_owner inherit`;
  const firstUrl = url("massacorp_owner", "massacorp");
  {
    await using first = pool(firstUrl);
    await migrate(first.sql);
    await seedEverything(first.sql);
  }
  const identity = await generateX25519Identity();
  for (const folder of ["data/secrets/api", "data/wgd", "data/audit"]) {
    await Deno.mkdir(join(root, folder), { recursive: true });
  }
  await Deno.writeTextFile(join(root, "data/secrets/api/jwt_secret"), "of this installation");
  const { file, manifest } = await makeBackup(loadConfig({
    PATH: `${bin}:/usr/bin:/bin`,
    MASSACORP_DATA: join(root, "data"),
    BACKUP_FOLDER: join(root, "backups"),
    BACKUP_RECIPIENTS: await identityToRecipient(identity),
    DATABASE_OWNER_URL: firstUrl.reveal(),
  }));
  equal(manifest.database.kind, "dump");
  equal((await verifyBackup(file, new Secret(identity))).database.kind, "dump");
  const before = await contents(firstUrl);
  deepEqual([...before.rows].filter(([, n]) => n === 0), [], "rows in every table");

  // As docs/operations.md says: an empty database of the same roles.
  await maintenance.sql`create database second owner massacorp_owner`;
  const options = {
    dataFolder: join(root, "restored"),
    ownerUrl: url("massacorp_owner", "second"),
    path: `${bin}:/usr/bin:/bin`,
    replace: false,
    keepSessions: true,
    revokeKeys: false,
    terminal: createTerminal(),
  };
  // A newer one asks this server for what it does not have, when all else is in its place.
  const script = "#!/bin/sh\necho 'pg_restore (PostgreSQL) 99.1'\n";
  await Deno.writeTextFile(join(root, "pg_restore"), script, { mode: 0o755 });
  await rejects(
    restore(file, new Secret(identity), { ...options, path: `${root}:${options.path}` }),
    /needs pg_restore \d+, and here is 99; /,
  );
  await rejects(Deno.stat(options.dataFolder), Deno.errors.NotFound);
  await rejects(
    restore(file, new Secret(identity), { ...options, ownerUrl: firstUrl }),
    /has data: name an empty one/,
  );
  const { settled } = await restore(file, new Secret(identity), options);
  const after = await contents(options.ownerUrl);
  deepEqual(after.schema, before.schema);
  // A line in each tenant's log that says so, and nothing that would be answered from before.
  deepEqual(
    Object.fromEntries([...after.rows].filter(([name, n]) => before.rows.get(name) !== n)),
    { audit_log: (before.rows.get("audit_log") ?? 0) + 2, idempotency_keys: 0 },
  );
  deepEqual([settled.keysLeft, settled.peersLeft], [2, 2]);
  equal(
    await Deno.readTextFile(join(root, "restored/secrets/api/jwt_secret")),
    "of this installation",
  );
});

function pool(ownerUrl: Secret<string>) {
  const sql = connect(ownerUrl, { max: 1, applicationName: "test" });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 5 }) };
}
