import { join } from "node:path";
import { z } from "zod";
import { absent } from "../../lib/absent.ts";
import { databaseUrl, type LoginRole, withUser } from "../../db/roles.ts";
import { writeAll } from "../../lib/durable_file.ts";
import { ConfigError, key32, key32List, parseEnv, postgresUrl } from "../../lib/env.ts";
import { deriveSubkey } from "../../lib/seal.ts";
import { Secret } from "../../lib/secret.ts";
import { socketFolder } from "../../lib/socket_folder.ts";
import type { DataFolder } from "./data_folder.ts";
import { apiUid, sealerUid } from "./identity.ts";

/** A secret as 43 characters of base64url: 32 random bytes. */
export function randomSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/**
 * The secret in a file, made at the first call and never changed by a later one.
 * @param uid who may read it; of effect when the caller is root
 */
export async function secretFile(path: string, uid = 0): Promise<Secret<string>> {
  const found = await textOf(path);
  if (found !== undefined) return new Secret(found);
  const value = randomSecret();
  await writeSecretFile(path, value, uid);
  return new Secret(value);
}

/** Writes a file of mode 0600, whole or not at all, and on the disk before it counts. */
export async function writeSecretFile(path: string, text: string, uid = 0): Promise<void> {
  const fresh = `${path}.new`;
  {
    using file = await Deno.open(fresh, { write: true, create: true, truncate: true, mode: 0o600 });
    await writeAll(file, new TextEncoder().encode(`${text}\n`));
    await file.sync();
  }
  await Deno.chmod(fresh, 0o600);
  if (Deno.uid() === 0) await Deno.chown(fresh, uid, uid);
  await Deno.rename(fresh, path);
}

/** Writes it only where it holds something else. */
export async function keepSecretFile(path: string, text: string, uid = 0): Promise<void> {
  if (await textOf(path) !== text) await writeSecretFile(path, text, uid);
}

async function textOf(path: string): Promise<string | undefined> {
  return (await Deno.readTextFile(path).catch(absent))?.trim();
}

/** The password of each role that logs in, made once. */
export async function rolePasswords(
  folder: string,
  uid = 0,
): Promise<Record<LoginRole, Secret<string>>> {
  const of = (role: LoginRole) => secretFile(join(folder, `${role}_password`), uid);
  return {
    massacorp_owner: await of("massacorp_owner"),
    massacorp_api: await of("massacorp_api"),
    massacorp_platform: await of("massacorp_platform"),
    massacorp_wgd: await of("massacorp_wgd"),
    massacorp_sealer: await of("massacorp_sealer"),
  };
}

/** Where secrets lie; a whole data folder is one. */
export interface SecretFolders {
  readonly secrets: Pick<DataFolder["secrets"], "api" | "wgd">;
}

export interface DatabaseSecrets {
  superuser: Secret<string>;
  superuserUrl: Secret<string>;
  roles: Record<LoginRole, Secret<string>>;
  ownerUrl: Secret<string>;
  /** Paths of files that hold a connection URL, each readable by its process alone. */
  apiUrlFile: string;
  platformUrlFile: string;
  wgdUrlFile: string;
  sealerUrlFile: string;
}

export interface DatabaseServer {
  /** Of a server that somebody else runs, without user and password; the embedded one's socket where undefined. */
  url?: string;
  /** A file that is there keeps its host, port and query: the URL is for those that are missing. */
  keep?: boolean;
  /** Who else reads the passwords and the owner's URL; root unless told. */
  uid?: number;
}

/** Passwords made once, and the URLs that the processes get. */
export async function databaseSecrets(
  folder: DataFolder,
  { url: server, keep = false, uid = 0 }: DatabaseServer = {},
): Promise<DatabaseSecrets> {
  const own = folder.secrets.supervisor;
  const roles = await rolePasswords(own, uid);
  const superuser = await secretFile(join(own, "postgres_password"), uid);
  const urlOf = (role: string, password: Secret<string>, database: string) =>
    server === undefined
      ? databaseUrl({ role, password, socketFolder: folder.sockets.postgres, database })
      : withUser(new Secret(onDatabase(server, database)), role, password);
  const url = async (role: LoginRole, file: string) => {
    const found = keep ? await serverIn(file) : undefined;
    return found && !isEmbedded(found, folder)
      ? withUser(found, role, roles[role])
      : urlOf(role, roles[role], "massacorp");
  };
  const files = {
    apiUrlFile: join(folder.secrets.api, "database_url"),
    platformUrlFile: join(folder.secrets.api, "database_platform_url"),
    wgdUrlFile: join(folder.secrets.wgd, "database_url"),
    sealerUrlFile: join(folder.secrets.sealer, "database_url"),
  };
  const put = async (role: LoginRole, file: string, reader = 0) =>
    await keepSecretFile(file, (await url(role, file)).reveal(), reader);
  await put("massacorp_api", files.apiUrlFile, apiUid);
  await put("massacorp_platform", files.platformUrlFile, apiUid);
  await put("massacorp_wgd", files.wgdUrlFile);
  await put("massacorp_sealer", files.sealerUrlFile, sealerUid);
  return {
    superuser,
    superuserUrl: urlOf("postgres", superuser, "postgres"),
    roles,
    ownerUrl: await url("massacorp_owner", ownerUrlFile(folder)),
    ...files,
  };
}

/** Where the owner's URL lies in production. */
export const ownerUrlFile = (folder: DataFolder) => join(folder.secrets.supervisor, "owner_url");

/** What a file names, with user and database. @throws {ConfigError} where that is no URL; it is not repeated */
export async function serverIn(file: string): Promise<Secret<string> | undefined> {
  const found = await textOf(file);
  if (found === undefined) return undefined;
  if (!postgresUrl.safeParse(found).success) {
    throw new ConfigError([`${file}: must be a postgres:// URL`]);
  }
  return new Secret(found);
}

/** A restore runs the folder's own server for a while, and leaves URLs of that. */
function isEmbedded(url: Secret<string>, { root }: DataFolder): boolean {
  const host = new URL(url.reveal()).searchParams.get("host");
  return host === join(socketFolder(root, Deno.uid()), "postgres");
}

function onDatabase(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

export interface ApiSecretFiles {
  jwtSecretFile: string;
  encryptionKeyFile: string;
  /** Keys that still open what they sealed; empty until one is changed. */
  encryptionKeysOldFile: string;
}

/** The API's own secrets as files, made once. */
export async function apiSecretFiles(folder: SecretFolders): Promise<ApiSecretFiles> {
  const of = (name: string) => join(folder.secrets.api, name);
  const files = {
    jwtSecretFile: of("jwt_secret"),
    encryptionKeyFile: of("encryption_key"),
    encryptionKeysOldFile: of("encryption_keys_old"),
  };
  await secretFile(files.jwtSecretFile, apiUid);
  await secretFile(files.encryptionKeyFile, apiUid);
  if (await textOf(files.encryptionKeysOldFile) === undefined) {
    await writeSecretFile(files.encryptionKeysOldFile, "", apiUid);
  }
  return files;
}

/** The first one seals. @throws {ConfigError} where a file holds something else */
export function readEncryptionKeys(
  files: Pick<ApiSecretFiles, "encryptionKeyFile" | "encryptionKeysOldFile">,
): readonly [Key, ...Key[]] {
  const parsed = parseEnv(
    z.object({ ENCRYPTION_KEY: key32, ENCRYPTION_KEYS_OLD: key32List }),
    {
      ENCRYPTION_KEY_FILE: files.encryptionKeyFile,
      ENCRYPTION_KEYS_OLD_FILE: files.encryptionKeysOldFile,
    },
    { fromFile: ["ENCRYPTION_KEY", "ENCRYPTION_KEYS_OLD"] },
  );
  const newest = parsed.ENCRYPTION_KEY;
  const text = (key: Key) => key.reveal().toBase64();
  // A change that was cut off leaves the newest in both.
  const old = parsed.ENCRYPTION_KEYS_OLD.filter((key) => text(key) !== text(newest));
  return [newest, ...old];
}

/**
 * The key that signs checkpoints of the audit log, made once on its host, as the gateway's is.
 * @returns the file's path
 */
export async function auditSigningKeyFile(folder: DataFolder): Promise<string> {
  const path = join(folder.secrets.sealer, "signing_key");
  await secretFile(path, sealerUid);
  return path;
}

type Key = Secret<Uint8Array<ArrayBuffer>>;

/**
 * The one subkey of each encryption key that the daemon needs, in files of the daemon's: it never sees the keys.
 *
 * @param keys the first one seals
 */
export async function presharedSubkeyFiles(
  folder: SecretFolders,
  keys: readonly [Key, ...Key[]],
): Promise<{ newest: string; old: string }> {
  const files = {
    newest: join(folder.secrets.wgd, "preshared_subkey"),
    old: join(folder.secrets.wgd, "preshared_subkeys_old"),
  };
  const [newest = "", ...old] = await Promise.all(
    keys.map(async (key) =>
      (await deriveSubkey(key, "wireguard-preshared-key")).reveal().toBase64()
    ),
  );
  if (await textOf(files.newest) !== newest) {
    // What it has to open stands in one of them at any moment.
    await keepSecretFile(files.old, [newest, ...old].join("\n"));
    await keepSecretFile(files.newest, newest);
  }
  await keepSecretFile(files.old, old.join("\n"));
  return files;
}
