import postgres from "postgres";
import { connect } from "../../db/connection.ts";
import { databaseUrl } from "../../db/roles.ts";
import { Secret } from "../../lib/secret.ts";
import { type TestCluster, testPassword } from "./cluster.ts";
import { testDatabase } from "./database.ts";
import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** Debian's pgbouncer on the committed deploy/pgbouncer/pgbouncer.ini, before every database of a cluster. */
export interface Pgbouncer extends AsyncDisposable {
  /** Of its socket. */
  folder: string;
  port: number;
  /** The socket folder of the server behind it. */
  server: string;
  log(): Promise<string>;
  /** `kill -9`, and started again. */
  kill(): Promise<void>;
  up(): Promise<void>;
}

const template = new URL("../../deploy/pgbouncer/pgbouncer.ini", import.meta.url);
/** As whom it runs: it refuses to be root. */
const user = "nobody";

/** What a test has instead of the file's own, where others wait their turn, or want their database to themselves. */
const patience = { query_wait_timeout: 30, server_idle_timeout: 1, default_pool_size: 10 };

export async function startPgbouncer(
  cluster: Pick<TestCluster, "socketFolder">,
  settings: Record<string, number> = patience,
): Promise<Pgbouncer> {
  const { socketFolder } = cluster;
  // The first database makes the roles, whose verifiers are wanted.
  await (await testDatabase({ on: cluster }))[Symbol.asyncDispose]();
  const folder = await Deno.makeTempDir({ prefix: "massacorp-pgbouncer-" });
  const port = freePort();
  let text = await Deno.readTextFile(template);
  const put = (what: string, by: string) => {
    if (!text.includes(what)) throw new Error(`deploy/pgbouncer/pgbouncer.ini has no ${what}`);
    text = text.replace(what, by);
  };
  // Each test has a database of its own.
  put(
    "massacorp = host=127.0.0.1 port=5432 dbname=massacorp",
    `* = host=${socketFolder} port=5432`,
  );
  put("listen_port = 6432", `listen_port = ${port}`);
  put("unix_socket_dir = /run/pgbouncer", `unix_socket_dir = ${folder}`);
  put("unix_socket_mode = 0770\nunix_socket_group = massacorp-api", "unix_socket_mode = 0777");
  put("/etc/pgbouncer/userlist.txt", `${folder}/userlist.txt`);
  for (const [name, value] of Object.entries(settings)) {
    const [line = `a line ${name}`] = new RegExp(`^${name} = \\d+$`, "m").exec(text) ?? [];
    put(line, `${name} = ${value}`);
  }
  text += `logfile = ${folder}/log\npidfile = ${folder}/pid\nadmin_users = postgres\n`;
  await Deno.writeTextFile(`${folder}/pgbouncer.ini`, text);
  await Deno.writeTextFile(`${folder}/userlist.txt`, await verifiers(socketFolder));
  await Deno.chmod(folder, 0o777);
  let child: Deno.ChildProcess | undefined;
  const kill = async () => {
    child?.kill("SIGKILL");
    await child?.status;
    child = undefined;
  };
  const up = async () => {
    // It refuses to start beside the one that it names.
    await Deno.remove(`${folder}/pid`).catch(() => {});
    child = new Deno.Command("pgbouncer", {
      args: [...Deno.uid() === 0 ? ["-u", user] : [], "-q", `${folder}/pgbouncer.ini`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until("pgbouncer listens", async () => {
      (await Deno.connect({ transport: "unix", path: `${folder}/.s.PGSQL.${port}` })).close();
      return true;
    });
  };
  await up();
  return {
    kill,
    up,
    folder,
    port,
    server: socketFolder,
    log: () => Deno.readTextFile(`${folder}/log`),
    async [Symbol.asyncDispose]() {
      await kill();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** What the committed file says to write into its auth_file. */
async function verifiers(socketFolder: string): Promise<string> {
  const url = databaseUrl({
    ...{ role: "postgres", password: testPassword, socketFolder, database: "postgres" },
  });
  const sql = connect(url, { max: 1, applicationName: "test-pgbouncer" });
  const rows = await sql<{ line: string }[]>`
    select format('"%s" "%s"', rolname, rolpassword) as line from pg_authid
    where rolname in ('massacorp_api', 'massacorp_platform', 'postgres')`;
  await sql.end();
  return rows.map(({ line }) => `${line}\n`).join("");
}

/** A role's URL by way of it. */
export function throughPgbouncer(
  url: Secret<string>,
  { folder, port }: Pick<Pgbouncer, "folder" | "port">,
): string {
  const through = new URL(url.reveal());
  through.searchParams.set("host", folder);
  through.port = String(port);
  return through.href;
}

/** Closes all that it has open to one database, which is about to be dropped. */
export async function forgetDatabase(
  { folder, port }: Pick<Pgbouncer, "folder" | "port">,
  name: string,
): Promise<void> {
  const url = databaseUrl({
    ...{ role: "postgres", password: testPassword, socketFolder: folder, database: "pgbouncer" },
  });
  const through = new URL(url.reveal());
  through.port = String(port);
  through.searchParams.delete("host");
  const admin = postgres(through.href, {
    max: 1,
    fetch_types: false,
    path: `${folder}/.s.PGSQL.${port}`,
    onnotice: () => {},
  });
  try {
    // Its console knows the simple protocol alone.
    await admin.unsafe(`KILL "${name}"`).simple();
  } finally {
    await admin.end({ timeout: 1 });
  }
}
