import { join, resolve } from "node:path";
import { z } from "zod";
import { ConfigError, type Env, parseEnv, postgresUrl, processEnv } from "../lib/env.ts";

const schema = z.object({
  MASSACORP_DATA: z.string().default(".massacorp").transform((path) => resolve(path)),
  SEALER_DATABASE_URL: postgresUrl.optional(),
  AUDIT_CHECKPOINTS: z.string().optional(),
});

/**
 * Where the database and the checkpoints are: as told, or as `./massacorp up` has them.
 * @throws {ConfigError}
 */
export function loadVerifyConfig(env: Env = processEnv) {
  const given = parseEnv(schema, env, { fromFile: ["SEALER_DATABASE_URL"] });
  const data = given.MASSACORP_DATA;
  const own = join(data, "secrets/sealer/database_url");
  const { SEALER_DATABASE_URL: databaseUrl = undefined } = given.SEALER_DATABASE_URL
    ? given
    : parseEnv(schema, { SEALER_DATABASE_URL_FILE: own }, { fromFile: ["SEALER_DATABASE_URL"] });
  if (!databaseUrl) throw new ConfigError([`SEALER_DATABASE_URL: is missing, and so is ${own}`]);
  return { databaseUrl, checkpoints: given.AUDIT_CHECKPOINTS ?? join(data, "audit") };
}
