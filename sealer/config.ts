import { z } from "zod";
import {
  type Env,
  integer,
  key32,
  parseEnv,
  postgresUrl,
  processEnv,
  type ReadFile,
} from "../lib/env.ts";
import { logFormats, logLevels } from "../lib/log.ts";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

const schema = z.object({
  LOG_LEVEL: z.enum(logLevels).default("info"),
  LOG_FORMAT: z.enum(logFormats).default("auto"),
  SEALER_DATABASE_URL: postgresUrl,
  SEALER_SOCKET: absolutePath.default("/run/massacorp/sealer.sock"),
  AUDIT_SIGNING_KEY: key32,
  AUDIT_CHECKPOINTS: absolutePath.default("/var/lib/massacorp/audit"),
  AUDIT_RETENTION_MONTHS: integer(1, 1200).optional(),
});

/** The sealer's settings; docs/settings.md describes each variable. */
export type SealerConfig = ReturnType<typeof loadConfig>;

/** @throws {ConfigError} naming every fault at once */
export function loadConfig(env: Env = processEnv, readFile?: ReadFile) {
  const parsed = parseEnv(schema, env, {
    fromFile: ["SEALER_DATABASE_URL", "AUDIT_SIGNING_KEY"],
    ...(readFile ? { readFile } : {}),
  });
  return {
    logLevel: parsed.LOG_LEVEL,
    logFormat: parsed.LOG_FORMAT,
    databaseUrl: parsed.SEALER_DATABASE_URL,
    socket: parsed.SEALER_SOCKET,
    signingKey: parsed.AUDIT_SIGNING_KEY,
    checkpoints: parsed.AUDIT_CHECKPOINTS,
    /** Whole months that are kept beside the running one; null keeps everything. */
    retentionMonths: parsed.AUDIT_RETENTION_MONTHS ?? null,
  };
}
