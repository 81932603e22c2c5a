import { parseArgs } from "node:util";
import { dirname } from "node:path";
import { base64url, exportJWK, generateKeyPair } from "jose";
import { absent } from "../../lib/absent.ts";
import { writeAll } from "../../lib/durable_file.ts";
import { Secret } from "../../lib/secret.ts";
import {
  type Jwk,
  jwkSet,
  type JwtAlgorithm,
  jwtAlgorithms,
  ringOfSecret,
} from "../auth/key_ring.ts";

/** `deno task jwt:keys`: keeps a file for JWT_KEYS_FILE. It speaks to no process; restart them after each step. */

const usage = `usage: deno task jwt:keys FILE            shows what is in it, never a private part
       deno task jwt:keys FILE add ALG    makes a key (${
  jwtAlgorithms.join(", ")
}); it signs where it is the first
       deno task jwt:keys FILE take PATH   adds the JWT_SECRET in this file: what it signed stays good
       deno task jwt:keys FILE sign KID   lets this key sign from now on
       deno task jwt:keys FILE drop KID   forgets a key: what it signed is refused

To rotate and log nobody out: add, restart the API processes, sign, restart (with another JWT_ALGORITHM
where the key is for another one), wait for REFRESH_TOKEN_LIFETIME, drop, restart.`;

class Mistake extends Error {}

async function read(path: string): Promise<Jwk[]> {
  const text = await Deno.readTextFile(path).catch(absent);
  if (text === undefined) return [];
  try {
    return jwkSet.parse(JSON.parse(text)).keys;
  } catch {
    throw new Mistake(`${path} is no JSON Web Key Set for signing; it was left as it is`);
  }
}

/**
 * Readable by its owner alone, and there whole or not at all. Its owner is the API's user, and the caller mostly root: it
 * stays whose it was, or becomes whose folder it lies in.
 */
async function write(path: string, keys: readonly Jwk[]): Promise<void> {
  const made = jwkSet.safeParse({ keys });
  if (!made.success) throw new Mistake(made.error.issues.map(({ message }) => message).join(", "));
  const { uid, gid } = await Deno.stat(path).catch(() => Deno.stat(dirname(path)));
  const beside = `${path}.${crypto.randomUUID()}`;
  const file = await Deno.open(beside, { write: true, createNew: true, mode: 0o600 });
  try {
    const text = `${JSON.stringify({ keys: made.data.keys }, null, 2)}\n`;
    await writeAll(file, new TextEncoder().encode(text));
    await file.sync();
    if (uid !== null && uid !== Deno.uid()) await Deno.chown(beside, uid, gid);
    await Deno.rename(beside, path);
  } catch (error) {
    await Deno.remove(beside);
    throw error;
  } finally {
    file.close();
  }
}

async function makeKey(algorithm: JwtAlgorithm): Promise<Jwk> {
  const kid = crypto.getRandomValues(new Uint8Array(8)).toHex();
  const made = algorithm === "HS256"
    ? { kty: "oct", k: base64url.encode(crypto.getRandomValues(new Uint8Array(32))) }
    : await exportJWK((await generateKeyPair(algorithm, { extractable: true })).privateKey);
  const [key] = jwkSet.parse({ keys: [{ ...made, alg: algorithm, kid }] }).keys;
  if (!key) throw new TypeError("a set of one key without it");
  return key;
}

async function change(keys: Jwk[], verb: string, what: string): Promise<Jwk[]> {
  const algorithm = jwtAlgorithms.find((name) => name === what);
  if (verb === "add" && algorithm) return [...keys, await makeKey(algorithm)];
  if (verb === "take" && what !== "") {
    return [...keys, ...await ringOfSecret(new Secret((await Deno.readTextFile(what)).trim()))];
  }
  const found = keys.find(({ kid }) => kid === what);
  const others = keys.filter((key) => key !== found);
  if (verb === "sign" && found) return [found, ...others];
  if (verb === "drop" && found) {
    if (found === keys[0]) throw new Mistake("this key signs; let another one sign first");
    return others;
  }
  throw new Mistake(found || verb === "add" ? usage : `there is no key ${what}`);
}

async function run(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    say(usage);
    return 0;
  }
  const [path, verb, what = ""] = positionals;
  if (!path || positionals.length > 3) throw new Mistake(usage);
  let keys = await read(path);
  if (verb !== undefined) {
    keys = await change(keys, verb, what);
    await write(path, keys);
  }
  const lines = keys.map(({ kid, alg }, at) =>
    `${kid}  ${alg}  ${at === 0 ? "signs" : "verifies"}`
  );
  say(lines.length > 0 ? lines.join("\n") : `${path} has no key yet`);
  return 0;
}

function say(text: string, to: typeof Deno.stdout | typeof Deno.stderr = Deno.stdout): void {
  to.writeSync(new TextEncoder().encode(`${text}\n`));
}

try {
  Deno.exit(await run(Deno.args));
} catch (error) {
  if (!(error instanceof Mistake || error instanceof TypeError)) throw error;
  say(error.message, Deno.stderr);
  Deno.exit(2);
}
