import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { ConfigError, postgresUrl } from "../../lib/env.ts";
import { type DataFolder, openDataFolder } from "../local/data_folder.ts";
import { apiUid, migrateUid } from "../local/identity.ts";
import {
  apiSecretFiles,
  auditSigningKeyFile,
  databaseSecrets,
  keepSecretFile,
  ownerUrlFile,
  presharedSubkeyFiles,
  readEncryptionKeys,
  secretFile,
  serverIn,
} from "../local/secrets.ts";
import { createTerminal } from "../local/terminal.ts";

export interface SetupOptions {
  /** The data folder. */
  data: string;
  /** Where the sockets are, instead of `<data>/run`. */
  run?: string | undefined;
  /** Of the database server, without user and password; undefined keeps what the files name. */
  database?: string | undefined;
  /** Who runs a PostgreSQL that takes its superuser's password from here; undefined where it is somebody else's. */
  databaseUid?: number | undefined;
  /** `host:port` of a Redis of ours, and who runs it. */
  redis?: { place: string; uid: number } | undefined;
  /** Who runs a Grafana of ours. */
  grafanaUid?: number | undefined;
}

/** On this host, where nothing is told and nothing is there. */
const defaultServer = "postgres://127.0.0.1:5432";

/**
 * Makes what is missing of a data folder in production: folders with their owners, and each secret as a file that
 * its reader alone can open. What is there stays as it is, so an operator's own secrets may be put there first.
 */
export async function setUp(options: SetupOptions): Promise<DataFolder> {
  using folder = await openDataFolder(options.data, {
    ...(options.run === undefined ? {} : { run: options.run }),
    owners: { migrate: migrateUid, admin: apiUid },
  });
  const { supervisor, api } = folder.secrets;
  const ownerFile = ownerUrlFile(folder);
  const secrets = await databaseSecrets(folder, {
    url: options.database ?? (await serverIn(ownerFile))?.reveal() ?? defaultServer,
    keep: options.database === undefined,
    uid: migrateUid,
  });
  await keepSecretFile(ownerFile, secrets.ownerUrl.reveal(), migrateUid);
  const files = await apiSecretFiles(folder);
  await auditSigningKeyFile(folder);
  await presharedSubkeyFiles(folder, readEncryptionKeys(files));
  if (options.databaseUid !== undefined) {
    const { databaseUid } = options;
    await keepSecretFile(
      join(supervisor, "superuser_url"),
      secrets.superuserUrl.reveal(),
      migrateUid,
    );
    const own = await closedFolder(join(folder.root, "secrets/database"), databaseUid);
    await keepSecretFile(join(own, "postgres_password"), secrets.superuser.reveal(), databaseUid);
  }
  if (options.redis) {
    const { place, uid } = options.redis;
    const password = await secretFile(join(supervisor, "redis_password"), migrateUid);
    const own = await closedFolder(join(folder.root, "secrets/redis"), uid);
    // Redis takes a password from its configuration or from its arguments, and those everybody can read.
    await keepSecretFile(join(own, "redis.conf"), redisConfig(password.reveal()), uid);
    const url = `redis://:${encodeURIComponent(password.reveal())}@${place}`;
    await keepSecretFile(join(api, "redis_url"), url, apiUid);
  }
  if (options.grafanaUid !== undefined) {
    const own = await closedFolder(join(folder.root, "secrets/grafana"), options.grafanaUid);
    await secretFile(join(own, "grafana_password"), options.grafanaUid);
  }
  return folder;
}

/** Counters that may be lost: nothing is written to a disk. */
function redisConfig(password: string): string {
  return [
    `requirepass ${password}`,
    'save ""',
    "appendonly no",
    "maxmemory 64mb",
    "maxmemory-policy volatile-ttl",
  ].join("\n");
}

async function closedFolder(path: string, uid: number): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  await Deno.chown(path, uid, uid);
  await Deno.chmod(path, 0o700);
  return path;
}

const usage = `usage: setup.ts --data FOLDER [--database URL] [--run FOLDER] [--database-uid UID]
                [--redis HOST:PORT --redis-uid UID] [--grafana-uid UID]`;

const isServer = (url: string) =>
  postgresUrl.safeParse(url).success && new URL(url).password === "";

function options(args: string[]): SetupOptions {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: "string" },
      run: { type: "string" },
      database: { type: "string" },
      "database-uid": { type: "string" },
      redis: { type: "string" },
      "redis-uid": { type: "string" },
      "grafana-uid": { type: "string" },
    },
  });
  const { data, database, redis } = values;
  if (data === undefined) throw new TypeError(usage);
  if (database !== undefined && !isServer(database)) {
    throw new TypeError("--database: must be a postgres:// URL without a password");
  }
  const uid = (text: string) => z.coerce.number().int().positive().parse(text);
  return {
    data,
    database,
    run: values.run,
    databaseUid: values["database-uid"] ? uid(values["database-uid"]) : undefined,
    grafanaUid: values["grafana-uid"] ? uid(values["grafana-uid"]) : undefined,
    redis: redis ? { place: redis, uid: uid(values["redis-uid"] ?? "") } : undefined,
  };
}

if (import.meta.main) {
  const terminal = createTerminal();
  try {
    const folder = await setUp(options(Deno.args));
    terminal.say(`secrets and folders are in ${folder.root}`);
  } catch (error) {
    terminal.say(`setup: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(error instanceof ConfigError || error instanceof TypeError ? 78 : 1);
  }
}
