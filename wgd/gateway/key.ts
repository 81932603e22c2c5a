import { dirname } from "node:path";
import { syncFolder, writeAll } from "../../lib/durable_file.ts";
import { Secret } from "../../lib/secret.ts";
import { generateKeyPair, isWireGuardKey, publicKeyOf } from "../../lib/wireguard_key.ts";

/** The key pair of a gateway. The private half never leaves the host that it was made on. */
export interface GatewayKey {
  readonly publicKey: string;
  readonly privateKey: Secret<string>;
}

/** The key of this host cannot be used; the message says what to do. */
export class GatewayKeyError extends Error {
  override name = "GatewayKeyError";
}

/**
 * Reads the private key file; undefined where there is none.
 * @throws {GatewayKeyError} when it holds no key, or others may read it
 */
export async function readGatewayKey(path: string): Promise<GatewayKey | undefined> {
  let text: string;
  try {
    const mode = (await Deno.stat(path)).mode ?? 0;
    if ((mode & 0o077) !== 0) {
      throw new GatewayKeyError(
        `${path} may be read by others than its owner; if nobody has, run: chmod 600 ${path}`,
      );
    }
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof GatewayKeyError) throw error;
    throw unusable(path, error);
  }
  const key = text.trim();
  if (!isWireGuardKey(key)) {
    throw new GatewayKeyError(
      `${path} holds no WireGuard private key; restore it from a backup, or move it away to have a new one made`,
    );
  }
  const privateKey = new Secret(key);
  return { privateKey, publicKey: await publicKeyOf(privateKey) };
}

/**
 * Makes a key pair and keeps it in the file (0600), whole or not at all. An existing file is never
 * overwritten: when another process was faster, its key is the one returned.
 */
export async function createGatewayKey(path: string): Promise<GatewayKey> {
  const { publicKey, privateKey } = await generateKeyPair();
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.new`;
  try {
    await writeSynced(temporary, `${privateKey.reveal()}\n`);
    try {
      // Unlike a rename, a link never replaces what is there.
      await Deno.link(temporary, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      const existing = await readGatewayKey(path);
      if (!existing) throw error;
      return existing;
    } finally {
      await Deno.remove(temporary);
    }
    await syncFolder(dirname(path));
  } catch (error) {
    if (error instanceof GatewayKeyError) throw error;
    if (!(error instanceof Deno.errors.NotFound)) throw unusable(path, error);
    throw new GatewayKeyError(
      `the folder ${
        dirname(path)
      } for the gateway key does not exist; make it, owned by the daemon's user, mode 0700`,
    );
  }
  return { publicKey, privateKey };
}

function unusable(path: string, error: unknown): GatewayKeyError {
  const reason = error instanceof Error ? error.name : "unknown";
  return new GatewayKeyError(`the gateway key ${path} can be neither read nor made (${reason})`);
}

async function writeSynced(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  await writeAll(file, new TextEncoder().encode(text));
  await file.sync();
}
