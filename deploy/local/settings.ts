import { join } from "node:path";
import { loadConfig as loadApiConfig } from "../../api/config.ts";
import { ConfigError } from "../../lib/env.ts";
import type { Secret } from "../../lib/secret.ts";
import { ownSpansAlone } from "../../lib/spans_config.ts";
import { loadConfig as loadSealerConfig } from "../../sealer/config.ts";
import { loadConfig as loadWgdConfig } from "../../wgd/config.ts";
import type { LocalConfig } from "./config.ts";
import type { DataFolder } from "./data_folder.ts";
import { primaryAddress } from "./endpoint.ts";
import {
  apiSecretFiles,
  auditSigningKeyFile,
  databaseSecrets,
  presharedSubkeyFiles,
  randomSecret,
} from "./secrets.ts";

/** What the processes are told. */
export interface Settings {
  ownerUrl: Secret<string>;
  apiEnv: Record<string, string>;
  wgdEnv: Record<string, string>;
  sealerEnv: Record<string, string>;
  /** Folders of Unix sockets that the database URLs name. */
  databaseFolders: string[];
}

/**
 * What each process gets as its environment. Secrets that were not given are made once and handed over as
 * files that only their reader can open; in production the API's have to be given.
 *
 * @throws {ConfigError} with the faults of all processes at once
 */
export async function prepareSettings(
  config: LocalConfig,
  { folder, tunnel }: { folder: DataFolder; tunnel: boolean },
): Promise<Settings> {
  const { api, wgd, sealer } = config.given;
  const places = { WGD_SOCKET: join(folder.sockets.wgd, "wgd.sock") };
  const sealerPlace = { SEALER_SOCKET: join(folder.sockets.sealer, "sealer.sock") };
  const spansOf = (name: string) => ({
    OTEL_TRACES_SAMPLER: ownSpansAlone,
    OTEL_SERVICE_NAME: name,
  });
  const apiEnv: Record<string, string> = {
    ...spansOf("massacorp-api"),
    ...api,
    ...places,
    ...sealerPlace,
    OPERATOR_SOCKET: join(folder.sockets.operator, "api.sock"),
    MAIL_FOLDER: api["MAIL_FOLDER"] ?? folder.mail,
    // The proxy stands in the tunnel, in the API's place.
    API_LISTEN: tunnel && !api["TRUSTED_PROXIES"] ? "tunnel" : "loopback",
  };
  const wgdEnv: Record<string, string> = {
    ...spansOf("massacorp-wgd"),
    ...wgd,
    ...places,
    PATH: config.path,
    WGD_LOCK_FOLDER: wgd["WGD_LOCK_FOLDER"] ?? folder.locks,
    WG_KEY_FILE: wgd["WG_KEY_FILE"] ?? join(folder.wgd, "gateway.key"),
    WG_ENDPOINT: wgd["WG_ENDPOINT"] ?? await primaryAddress(),
  };
  const sealerEnv: Record<string, string> = {
    ...sealer,
    ...sealerPlace,
    AUDIT_CHECKPOINTS: sealer["AUDIT_CHECKPOINTS"] ?? folder.audit,
  };
  if (!("AUDIT_SIGNING_KEY" in sealer || "AUDIT_SIGNING_KEY_FILE" in sealer)) {
    sealerEnv["AUDIT_SIGNING_KEY_FILE"] = await auditSigningKeyFile(folder);
  }
  const database = await databaseSecrets(folder);
  if (!config.ownerUrl) {
    apiEnv["DATABASE_URL_FILE"] = database.apiUrlFile;
    apiEnv["DATABASE_PLATFORM_URL_FILE"] = database.platformUrlFile;
    wgdEnv["WGD_DATABASE_URL_FILE"] = database.wgdUrlFile;
    sealerEnv["SEALER_DATABASE_URL_FILE"] = database.sealerUrlFile;
  }
  const isGiven = (name: string) => name in apiEnv || `${name}_FILE` in apiEnv;
  if (config.env !== "prod") {
    const files = await apiSecretFiles(folder);
    const signs = isGiven("JWT_SECRET") || isGiven("JWT_KEYS");
    if (!signs) apiEnv["JWT_SECRET_FILE"] = files.jwtSecretFile;
    if (!isGiven("ENCRYPTION_KEY")) {
      apiEnv["ENCRYPTION_KEY_FILE"] = files.encryptionKeyFile;
      if (!isGiven("ENCRYPTION_KEYS_OLD")) {
        apiEnv["ENCRYPTION_KEYS_OLD_FILE"] = files.encryptionKeysOldFile;
      }
    }
  }
  // The processes check their own settings; asked here, all faults are told before anything was started.
  const faults: string[] = [];
  const collect = <T>(load: () => T): T | undefined => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(...error.faults);
      return undefined;
    }
  };
  const checked = collect(() => loadApiConfig(apiEnv));
  const hasSubkey = "WGD_PRESHARED_SUBKEY" in wgdEnv || "WGD_PRESHARED_SUBKEY_FILE" in wgdEnv;
  // Its subkey comes from the API's settings, and may not be there to be checked yet.
  const wgdChecked = collect(() =>
    loadWgdConfig(hasSubkey ? wgdEnv : { ...wgdEnv, WGD_PRESHARED_SUBKEY: randomSecret() })
  );
  const sealerChecked = collect(() => loadSealerConfig(sealerEnv));
  if (!checked || !wgdChecked || !sealerChecked || faults.length > 0) {
    throw new ConfigError([...new Set(faults)]);
  }
  if (!hasSubkey) {
    const { newest, old } = await presharedSubkeyFiles(folder, checked.encryptionKeys);
    wgdEnv["WGD_PRESHARED_SUBKEY_FILE"] = newest;
    wgdEnv["WGD_PRESHARED_SUBKEYS_OLD_FILE"] = old;
  }
  const { url, platformUrl, directUrl } = checked.database;
  const folders = [url, platformUrl, directUrl, wgdChecked.databaseUrl, sealerChecked.databaseUrl]
    .map((each) => new URL(each.reveal()).searchParams.get("host"))
    .filter((folder) => folder !== null);
  return {
    ownerUrl: config.ownerUrl ?? database.ownerUrl,
    apiEnv,
    wgdEnv,
    sealerEnv,
    databaseFolders: [...new Set(folders)],
  };
}
