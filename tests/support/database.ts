import { connect, type Sql } from "../../db/connection.ts";
import { bootstrap, databaseUrl, type LoginRole } from "../../db/roles.ts";
import { migrate, readMigrations } from "../../db/migrate.ts";
import type { Secret } from "../../lib/secret.ts";
import {
  clusterVariable,
  startClusterOfThisProcess,
  type TestCluster,
  testPassword,
} from "./cluster.ts";

/** A database of a test file's own, cloned from the migrated template. */
export interface TestDatabase extends AsyncDisposable {
  name: string;
  url(role: LoginRole | "postgres"): Secret<string>;
  /** As the migrating owner, who bypasses row-level security: for arranging and for looking. */
  owner: Sql;
  /** As the superuser: for what no role of the product may do. */
  superuser: Sql;
}

/** Seconds: a busy machine may let nobody in for longer than the usual five. */
const connectTimeout = 60;

let socketFolder: Promise<string> | undefined;

/** The shared cluster of this run; a lone test process starts one that ends with it. */
function cluster(): Promise<string> {
  socketFolder ??= (async () => {
    const shared = Deno.env.get(clusterVariable);
    if (shared) return shared;
    return (await startClusterOfThisProcess()).socketFolder;
  })();
  return socketFolder;
}

function url(role: LoginRole | "postgres", socketFolder: string, database: string): Secret<string> {
  return databaseUrl({ role, password: testPassword, socketFolder, database });
}

const templates = new Map<string, Promise<string>>();

/** One template a schema and cluster, looked for once a process. */
function template(socketFolder: string): Promise<string> {
  const known = templates.get(socketFolder) ?? makeTemplate(socketFolder);
  templates.set(socketFolder, known);
  return known;
}

/** Its name carries the checksums of all migrations. */
async function makeTemplate(socketFolder: string): Promise<string> {
  const migrations = await readMigrations();
  const text = migrations.map((migration) => migration.checksum).join("");
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  const name = `template_${digest.slice(0, 8).toHex()}`;
  const superuser = connect(url("postgres", socketFolder, "postgres"), {
    max: 1,
    applicationName: "test-template",
    connectTimeout,
  });
  const lock = await superuser.reserve();
  try {
    await lock`select pg_advisory_lock(1)`;
    const [ready] = await lock`select from pg_database where datname = ${name} and datistemplate`;
    if (!ready) {
      const passwords = {
        massacorp_owner: testPassword,
        massacorp_api: testPassword,
        massacorp_platform: testPassword,
        massacorp_wgd: testPassword,
        massacorp_sealer: testPassword,
      };
      await lock`drop database if exists ${lock(name)}`;
      await bootstrap(url("postgres", socketFolder, "postgres"), passwords, name);
      const owner = connect(url("massacorp_owner", socketFolder, name), {
        max: 1,
        applicationName: "test-template",
      });
      await migrate(owner, migrations);
      await owner.end();
      await lock`alter database ${lock(name)} is_template true`;
    }
    await lock`select pg_advisory_unlock(1)`;
  } finally {
    lock.release();
    await superuser.end();
  }
  return name;
}

/**
 * A fresh migrated database, on the shared cluster or on one of the test's own. Disposing of it fails when a connection to it was leaked, and drops it.
 * @param options.lockTimeout how long the API waits for a lock; where it is absent longer than in production, because
 * fifty at once on a slow and busy machine wait their turn; null as `db/roles.sql` has it
 */
export async function testDatabase(
  { on, lockTimeout = "30s" }: {
    on?: Pick<TestCluster, "socketFolder">;
    lockTimeout?: string | null;
  } = {},
): Promise<TestDatabase> {
  const folder = on?.socketFolder ?? await cluster();
  const source = await template(folder);
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const maintenance = connect(url("postgres", folder, "postgres"), {
    max: 1,
    applicationName: "test-maintenance",
    connectTimeout,
  });
  await maintenance`create database ${maintenance(name)} template ${
    maintenance(source)
  } owner massacorp_owner strategy file_copy`;
  for (const role of lockTimeout === null ? [] : ["massacorp_api", "massacorp_platform"]) {
    // One that waits for a lock takes so long, and longer.
    for (const [setting, value] of [["lock_timeout", lockTimeout], ["statement_timeout", "60s"]]) {
      await maintenance.unsafe(
        `alter role ${role} in database ${name} set ${setting} = '${value}'`,
      );
    }
  }
  const open = (role: LoginRole | "postgres", applicationName: string) =>
    connect(url(role, folder, name), { max: 4, applicationName, connectTimeout });
  const owner = open("massacorp_owner", "test-owner");
  const superuser = open("postgres", "test-superuser");
  return {
    name,
    url: (role) => url(role, folder, name),
    owner,
    superuser,
    async [Symbol.asyncDispose]() {
      await Promise.all([owner.end(), superuser.end()]);
      const leaked = await connectionsLeft(maintenance, name);
      await maintenance`drop database ${maintenance(name)} with (force)`;
      await maintenance.end();
      if (leaked.length > 0) throw new Error(`connections leaked: ${leaked.join(", ")}`);
    },
  };
}

/** A backend needs a moment to see that its client left. */
async function connectionsLeft(sql: Sql, name: string): Promise<string[]> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const rows = await sql<{ application_name: string }[]>`
      select application_name from pg_stat_activity
      where datname = ${name} and backend_type = 'client backend'`;
    if (rows.length === 0 || Date.now() > deadline) return rows.map((row) => row.application_name);
  }
}

/** What the daemon does once it has read the interface back without them. */
export async function purgeTombstones(db: TestDatabase): Promise<void> {
  const sql = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "test-wgd" });
  await sql`delete from wg_peers where deleted_at is not null`;
  await sql.end();
}
