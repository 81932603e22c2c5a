import { resolve } from "node:path";
import { z } from "zod";
import { type Env, parseEnv, postgresUrl, processEnv, type ReadFile } from "../../lib/env.ts";
import type { Secret } from "../../lib/secret.ts";
import type { Keep } from "./retention.ts";

const path = z.string().transform((folder) => resolve(folder));

/** Who can read what is encrypted to them: public keys of age. */
export const recipients = z.string()
  .transform((text) => text.split(/[\s,]+/).filter((each) => each !== ""))
  .refine(
    (all) => all.length > 0 && all.every((each) => /^age1[a-z0-9]{50,3000}$/.test(each)),
    "must be recipients of age, such as age1…, with commas between them",
  );

const schema = z.object({
  MASSACORP_DATA: path.prefault(".massacorp"),
  BACKUP_FOLDER: path.prefault("/var/backups/massacorp"),
  BACKUP_RECIPIENTS: recipients.optional(),
  BACKUP_KEEP: z.string().default("7d,5w,12m")
    .refine((text) => /^\d{1,3}d,\d{1,3}w,\d{1,3}m$/.test(text), "must be such as 7d,5w,12m")
    .transform((text): Keep => {
      const [days = 0, weeks = 0, months = 0] = text.split(",").map((part) => parseInt(part));
      return { days, weeks, months };
    }),
  BACKUP_METRICS: path.optional(),
  BACKUP_POSTGRES: path.optional(),
  POSTGRES_WAL_ARCHIVE: path.optional(),
  PATH: z.string().default("/usr/bin:/bin"),
  DATABASE_SUPERUSER_URL: postgresUrl.optional(),
  DATABASE_OWNER_URL: postgresUrl.optional(),
});

export interface BackupConfig {
  dataFolder: string;
  folder: string;
  /** Empty where none were given: enough to read a backup, not to make one. */
  recipients: string[];
  keep: Keep;
  /** A file for node-exporter's textfile collector. */
  metrics: string | undefined;
  /** Of a server that somebody else runs on this machine: its data folder and its superuser. */
  postgres: string | undefined;
  /** Where that server, or the embedded one, archives its WAL. */
  walArchive: string | undefined;
  superuserUrl: Secret<string> | undefined;
  /** Where pg_dump and pg_restore are looked for. */
  path: string;
  /** Of a server elsewhere, which pg_dump is asked of. */
  ownerUrl: Secret<string> | undefined;
}

/** @throws {ConfigError} naming every fault at once */
export function loadConfig(env: Env = processEnv, readFile?: ReadFile): BackupConfig {
  const parsed = parseEnv(schema, env, {
    fromFile: ["BACKUP_RECIPIENTS", "DATABASE_SUPERUSER_URL", "DATABASE_OWNER_URL"],
    ...(readFile ? { readFile } : {}),
    between: ({ BACKUP_POSTGRES: postgres, DATABASE_SUPERUSER_URL: superuser }) =>
      (postgres === undefined) === (superuser === undefined)
        ? []
        : ["BACKUP_POSTGRES: goes with DATABASE_SUPERUSER_URL"],
  });
  return {
    dataFolder: parsed.MASSACORP_DATA,
    folder: parsed.BACKUP_FOLDER,
    recipients: parsed.BACKUP_RECIPIENTS ?? [],
    keep: parsed.BACKUP_KEEP,
    metrics: parsed.BACKUP_METRICS,
    postgres: parsed.BACKUP_POSTGRES,
    walArchive: parsed.POSTGRES_WAL_ARCHIVE,
    path: parsed.PATH,
    superuserUrl: parsed.DATABASE_SUPERUSER_URL,
    ownerUrl: parsed.DATABASE_OWNER_URL,
  };
}

/** What archiving WAL takes. @throws {ConfigError} */
export function loadArchiveConfig(env: Env = processEnv): { recipients: string[] } {
  const parsed = parseEnv(z.object({ BACKUP_RECIPIENTS: recipients }), env, {
    fromFile: ["BACKUP_RECIPIENTS"],
  });
  return { recipients: parsed.BACKUP_RECIPIENTS };
}
