import { join } from "node:path";
import { CliError } from "../../api/cli/error.ts";
import { ask, connectOperator } from "../../api/cli/operator.ts";
import { dataFolderPath, operatorSockets } from "../../api/cli/config.ts";
import { ConfigError } from "../../lib/env.ts";
import { deriveSubkey } from "../../lib/seal.ts";
import { keyIdOf } from "../../lib/seal_ring.ts";
import { Secret } from "../../lib/secret.ts";
import { apiUid } from "./identity.ts";
import {
  type ApiSecretFiles,
  apiSecretFiles,
  presharedSubkeyFiles,
  randomSecret,
  readEncryptionKeys,
  type SecretFolders,
  writeSecretFile,
} from "./secrets.ts";
import { asksForHelp, createTerminal } from "./terminal.ts";

const usage = `usage: deno task encryption:key            shows the keys' names
       deno task encryption:key add        makes the next key: what it seals can be opened from now on
       deno task encryption:key use ID     lets this key seal from now on; the one before still opens
       deno task encryption:key drop ID    forgets a key that seals nothing any more [--force]

To change ENCRYPTION_KEY and disturb nobody: add, restart the daemon and the API processes, use ID, restart,
deno task secrets:reseal, drop the one before, restart.`;

type Key = Secret<Uint8Array<ArrayBuffer>>;
type Keys = readonly [Key, ...Key[]];

/**
 * The next state of the keys, the first of which seals.
 * @throws {CliError} for a step that would lose something, or that there is none of
 */
export async function change(
  keys: Keys,
  { verb, id, stillNeeded }: {
    verb: string;
    id: string | undefined;
    /** What is still under a key, in words; null where it is nothing. */
    stillNeeded: (key: Key) => Promise<string | null>;
  },
): Promise<Keys> {
  const ids = await Promise.all(keys.map(keyIdOf));
  const [newest, ...old] = keys;
  if (verb === "add" && id === undefined) {
    return [
      newest,
      ...old,
      new Secret(Uint8Array.fromBase64(randomSecret(), { alphabet: "base64url" })),
    ];
  }
  const named = keys[ids.indexOf(id ?? "")];
  if (!["use", "drop"].includes(verb) || id === undefined) throw new CliError(usage, 2);
  if (!named) throw new CliError(`there is no key ${id}`);
  const others = keys.filter((key) => key !== named);
  if (verb === "use") return [named, ...others];
  const [first, ...rest] = others;
  if (named === newest || !first) throw new CliError("this key seals; let another one seal first");
  const why = await stillNeeded(named);
  if (why !== null) throw new CliError(why);
  return [first, ...rest];
}

/** Each file whole, and at any moment every key that was there stands in one of them. */
export async function writeKeys(
  folder: SecretFolders,
  files: ApiSecretFiles,
  { before, after }: { before: Keys; after: Keys },
): Promise<void> {
  const text = (key: Key) => key.reveal().toBase64();
  const write = (path: string, keys: readonly Key[]) =>
    writeSecretFile(path, keys.map(text).join("\n"), apiUid);
  const [newest, ...old] = after;
  if (newest !== before[0]) {
    await write(files.encryptionKeysOldFile, [...new Set([...before, ...after])]);
    await write(files.encryptionKeyFile, [newest]);
  }
  await write(files.encryptionKeysOldFile, old);
  await presharedSubkeyFiles(folder, after);
}

/** Asks the running API to seal what it can anew, and what is left under this key. */
async function leftUnder(key: Key): Promise<string | null> {
  using api = await connectOperator(operatorSockets());
  const { left } = await ask(api.POST("/api/v1/encryption/reseal"));
  const names = [
    "unnamed",
    await keyIdOf(key),
    await keyIdOf(await deriveSubkey(key, "wireguard-preshared-key")),
    await keyIdOf(await deriveSubkey(key, "mail")),
  ];
  const mine = left.filter(({ key_id }) => names.includes(key_id));
  if (mine.length === 0) return null;
  const words = mine.map(({ kind, count }) => `${count} ${kind}(s)`).join(", ");
  return `this key is still needed for ${words}; --force forgets it, and what is under it opens no more`;
}

if (import.meta.main) {
  const terminal = createTerminal();
  if (asksForHelp(Deno.args)) {
    terminal.say(usage);
    Deno.exit(0);
  }
  try {
    const force = Deno.args.includes("--force");
    const [verb, id, ...more] = Deno.args.filter((arg) => arg !== "--force");
    if (more.length > 0) throw new CliError(usage, 2);
    const secrets = join(dataFolderPath(), "secrets");
    const folder = { secrets: { api: join(secrets, "api"), wgd: join(secrets, "wgd") } };
    await Deno.stat(join(folder.secrets.api, "encryption_key")).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      const { api } = folder.secrets;
      throw new CliError(`${api} has no encryption_key: name the data folder in MASSACORP_DATA`);
    });
    const files = await apiSecretFiles(folder);
    let keys = readEncryptionKeys(files);
    if (verb !== undefined) {
      const stillNeeded = force ? () => Promise.resolve(null) : leftUnder;
      const after = await change(keys, { verb, id, stillNeeded });
      await writeKeys(folder, files, { before: keys, after });
      keys = after;
    }
    for (const [at, key] of keys.entries()) {
      terminal.say(`${await keyIdOf(key)}  ${at === 0 ? "seals" : "opens"}`);
    }
  } catch (error) {
    if (!(error instanceof CliError || error instanceof ConfigError)) throw error;
    terminal.say(`encryption:key: ${error.message}`);
    Deno.exit(error instanceof CliError ? error.exitCode : 2);
  }
}
