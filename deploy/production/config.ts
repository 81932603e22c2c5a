import { z } from "zod";
import { type Env, parseEnv, postgresUrl, processEnv, type ReadFile } from "../../lib/env.ts";
import type { Secret } from "../../lib/secret.ts";

const schema = z.object({
  DATABASE_OWNER_URL: postgresUrl,
  DATABASE_SUPERUSER_URL: postgresUrl.optional(),
  ROLE_PASSWORDS: z.string().startsWith("/", "must be an absolute path").default("/etc/massacorp"),
});

export interface MigrateConfig {
  ownerUrl: Secret<string>;
  /** Makes the roles and the database; where it is not given they are there. */
  superuserUrl: Secret<string> | undefined;
  /** The folder of the roles' passwords, a file each. */
  passwords: string;
}

/** @throws {ConfigError} naming every fault at once */
export function loadConfig(env: Env = processEnv, readFile?: ReadFile): MigrateConfig {
  const parsed = parseEnv(schema, env, {
    fromFile: ["DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL"],
    ...(readFile ? { readFile } : {}),
  });
  return {
    ownerUrl: parsed.DATABASE_OWNER_URL,
    superuserUrl: parsed.DATABASE_SUPERUSER_URL,
    passwords: parsed.ROLE_PASSWORDS,
  };
}
