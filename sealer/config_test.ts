import {
  absolutePath,
  judgeSettings,
  key32,
  oneOf,
  url,
  whole,
} from "../tests/support/settings.ts";
import { loadConfig } from "./config.ts";

Deno.test("loadConfig: each setting of the sealer refuses what is past its border, by its name alone, and takes what is on it", async () => {
  await judgeSettings({
    process: "sealer",
    load: loadConfig,
    good: {
      SEALER_DATABASE_URL: "postgres://massacorp_sealer:p@localhost/massacorp",
      AUDIT_SIGNING_KEY: key32.takes[0] ?? "",
    },
    borders: {
      LOG_LEVEL: oneOf("debug", "info", "warn", "error", "critical", "silent"),
      LOG_FORMAT: oneOf("auto", "json", "pretty"),
      SEALER_DATABASE_URL: url("postgres", "postgresql"),
      SEALER_SOCKET: absolutePath,
      AUDIT_SIGNING_KEY: key32,
      AUDIT_CHECKPOINTS: absolutePath,
      AUDIT_RETENTION_MONTHS: whole(1, 1200),
    },
  });
});
