import { resolve } from "node:path";
import { z } from "zod";
import settings from "../../deno.json" with { type: "json" };
import { ConfigError, type Env, parseEnv, processEnv, type ReadFile } from "../../lib/env.ts";
import type { Secret } from "../../lib/secret.ts";
import { postgresUrl } from "../../lib/env.ts";
import { recipients } from "../backup/config.ts";
import type { WalArchive } from "../backup/wal_archive.ts";

const schema = z.object({
  ENV: z.enum(["dev", "prod"]).default("dev"),
  MASSACORP_DATA: z.string().default(".massacorp").transform((path) => resolve(path)),
  ADMIN_EMAIL: z.email("must be an e-mail address").default("admin@massacorp.internal"),
  DATABASE_OWNER_URL: postgresUrl.optional(),
  POSTGRES_WAL_ARCHIVE: z.string().regex(/^\/[\w./-]+$/, "must be a plain absolute path")
    .optional(),
  BACKUP_RECIPIENTS: recipients.optional(),
  PATH: z.string().default("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
});

/** Databases of one's own: all of them or none. */
const databaseVariables = [
  "DATABASE_OWNER_URL",
  "DATABASE_URL",
  "DATABASE_PLATFORM_URL",
  "WGD_DATABASE_URL",
  "SEALER_DATABASE_URL",
] as const;

export interface LocalConfig {
  env: "dev" | "prod";
  dataFolder: string;
  adminEmail: string;
  /** Of a database that somebody else runs; undefined for the embedded server. */
  ownerUrl: Secret<string> | undefined;
  path: string;
  /** Where the embedded server keeps finished WAL. */
  walArchive: WalArchive | undefined;
  /** The settings that were given, by name: what each process may read of them. */
  given: Record<"api" | "wgd" | "sealer", Record<string, string>>;
}

/** @throws {ConfigError} naming every fault at once */
export function loadConfig(env: Env = processEnv, readFile?: ReadFile): LocalConfig {
  const parsed = parseEnv(schema, env, {
    fromFile: ["DATABASE_OWNER_URL", "BACKUP_RECIPIENTS"],
    between: ({ POSTGRES_WAL_ARCHIVE: folder, BACKUP_RECIPIENTS: recipients }) =>
      folder !== undefined && recipients === undefined
        ? ["BACKUP_RECIPIENTS: is required with POSTGRES_WAL_ARCHIVE, which is encrypted to them"]
        : [],
    ...(readFile ? { readFile } : {}),
  });
  const isGiven = (name: string) => Boolean(env[name] || env[`${name}_FILE`]);
  const missing = databaseVariables.filter((name) => !isGiven(name));
  if (missing.length > 0 && missing.length < databaseVariables.length) {
    throw new ConfigError(
      missing.map((name) =>
        `${name}: is missing; give all of ${
          databaseVariables.join(", ")
        }, or none of them for the embedded server`
      ),
    );
  }
  return {
    env: parsed.ENV,
    dataFolder: parsed.MASSACORP_DATA,
    adminEmail: parsed.ADMIN_EMAIL,
    ownerUrl: parsed.DATABASE_OWNER_URL,
    path: parsed.PATH,
    walArchive: walArchive(parsed),
    given: {
      api: pick(env, [...ofDeno, ...settings.permissions.api.env]),
      wgd: pick(env, [...ofDeno, ...settings.permissions.wgd.env]),
      sealer: pick(env, [...ofDeno, ...settings.permissions.sealer.env]),
    },
  };
}

function walArchive(
  { POSTGRES_WAL_ARCHIVE: folder, BACKUP_RECIPIENTS: recipients }: z.infer<typeof schema>,
): WalArchive | undefined {
  return folder !== undefined && recipients !== undefined ? { folder, recipients } : undefined;
}

/** Of Deno's own, what `./massacorp` has found out: which certificates the host has. */
const ofDeno = ["DENO_TLS_CA_STORE"];

function pick(env: Env, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = name.endsWith("*") ? undefined : env[name];
    if (value) found[name] = value;
  }
  return found;
}
