import { deepEqual, equal, throws } from "node:assert/strict";
import { loadConfig } from "./config.ts";

Deno.test("loadConfig: needs nothing", () => {
  const config = loadConfig({});
  equal(config.env, "dev");
  equal(config.dataFolder, `${Deno.cwd()}/.massacorp`);
  equal(config.ownerUrl, undefined);
});

Deno.test("loadConfig: a database of one's own is given whole", () => {
  const url = "postgres://someone@db.example/massacorp";
  throws(
    () => loadConfig({ DATABASE_URL: url, WGD_DATABASE_URL_FILE: "/etc/massacorp/wgd" }),
    /DATABASE_OWNER_URL: is missing.*\n.*DATABASE_PLATFORM_URL: is missing/,
  );
  const whole = loadConfig({
    DATABASE_OWNER_URL: url,
    DATABASE_URL: url,
    DATABASE_PLATFORM_URL: url,
    WGD_DATABASE_URL: url,
    SEALER_DATABASE_URL: url,
  });
  equal(whole.ownerUrl?.reveal(), url);
});

Deno.test("loadConfig: each process is handed what it may read, and nothing else", () => {
  const { given } = loadConfig({
    ENCRYPTION_KEY: "for the API",
    AUDIT_SIGNING_KEY: "for the sealer",
    WG_MTU: "1400",
    WG_NETWORK: "10.20.0.0/24",
    AWS_SECRET_ACCESS_KEY: "for nobody",
    PGPASSWORD: "for nobody",
  });
  deepEqual(given, {
    api: { ENCRYPTION_KEY: "for the API", WG_NETWORK: "10.20.0.0/24" },
    wgd: { WG_NETWORK: "10.20.0.0/24", WG_MTU: "1400" },
    sealer: { AUDIT_SIGNING_KEY: "for the sealer" },
  });
});

Deno.test("loadConfig: which certificates each process goes by is what the wrapper found", () => {
  const DENO_TLS_CA_STORE = "system,mozilla";
  const { api, wgd, sealer } = loadConfig({ DENO_TLS_CA_STORE }).given;
  for (const handed of [api, wgd, sealer]) deepEqual(handed, { DENO_TLS_CA_STORE });
});

Deno.test("loadConfig: WAL is archived to somebody who can read it, or not at all", () => {
  const POSTGRES_WAL_ARCHIVE = "/srv/wal";
  throws(
    () => loadConfig({ POSTGRES_WAL_ARCHIVE }),
    /BACKUP_RECIPIENTS: is required with POSTGRES_WAL_ARCHIVE/,
  );
  throws(
    () => loadConfig({ POSTGRES_WAL_ARCHIVE, BACKUP_RECIPIENTS: "age1'; rm -r /" }),
    /must be recipients of age/,
  );
  const recipient = `age1${"q".repeat(58)}`;
  deepEqual(loadConfig({ POSTGRES_WAL_ARCHIVE, BACKUP_RECIPIENTS: recipient }).walArchive, {
    folder: "/srv/wal",
    recipients: [recipient],
  });
});
