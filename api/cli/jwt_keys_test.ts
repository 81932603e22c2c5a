import assert from "node:assert/strict";
import { Secret } from "../../lib/secret.ts";
import { ringOfSecret } from "../auth/key_ring.ts";
import { loadConfig } from "../config.ts";
import { testSecrets } from "../../tests/support/api.ts";

async function jwtKeys(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=cli", new URL("jwt_keys.ts", import.meta.url).pathname, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  const lines = text(stdout).split("\n").map((line) => line.split(/\s+/));
  return { code, lines, shown: text(stdout) + text(stderr) };
}

Deno.test("jwt:keys: a rotation step by step, each of which the API takes, and nothing private is shown", async () => {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-jwt-" });
  const file = `${folder}/keys.json`;
  const url = "postgres://massacorp_api:p@localhost/massacorp";
  const algorithmOf = () => {
    const { JWT_SECRET: _, ...rest } = testSecrets;
    const env = { ...rest, DATABASE_URL: url, DATABASE_PLATFORM_URL: url, JWT_KEYS_FILE: file };
    for (const JWT_ALGORITHM of ["HS256", "ES256"]) {
      try {
        return loadConfig({ ...env, JWT_ALGORITHM }).tokens.keys?.reveal()[0]?.alg;
      } catch { /* the other one, then */ }
    }
  };
  const first = (await jwtKeys(file, "add", "HS256")).lines[0]?.[0] ?? "";
  assert.equal(algorithmOf(), "HS256");
  const added = await jwtKeys(file, "add", "ES256");
  const second = added.lines[1]?.[0] ?? "";
  assert.equal(algorithmOf(), "HS256");
  await jwtKeys(file, "sign", second);
  assert.equal(algorithmOf(), "ES256");
  const before = await Deno.readTextFile(file);
  assert.equal((await jwtKeys(file, "drop", second)).code, 2);
  assert.equal((await jwtKeys(file, "drop", "nobody")).code, 2);
  assert.equal((await jwtKeys(file, "add", "none")).code, 2);
  assert.equal(await Deno.readTextFile(file), before);
  assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  const { shown } = await jwtKeys(file);
  for (const { k, d } of JSON.parse(before).keys) {
    for (const part of [k, d]) if (part) assert.ok(!shown.includes(part));
  }
  assert.deepEqual((await jwtKeys(file, "drop", first)).lines.map(([kid]) => kid), [second]);
  await Deno.writeTextFile(file, "{}");
  assert.equal((await jwtKeys(file, "add", "HS256")).code, 2);
  assert.equal(await Deno.readTextFile(file), "{}");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("jwt:keys: JWT_SECRET is taken over, so that what it signed stays good; the file stays its owner's whoever changes it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-jwt-" });
  const [file, secretFile] = [`${folder}/jwt_keys`, `${folder}/jwt_secret`];
  const secret = testSecrets.JWT_SECRET ?? "";
  await Deno.writeTextFile(secretFile, `${secret}\n`);
  // As an installation has it: root calls, and the API's user has to read.
  const owner = Deno.uid() === 0
    ? { uid: 64202, gid: 64202 }
    : { uid: Deno.uid(), gid: Deno.gid() };
  await Deno.chown(folder, owner.uid, owner.gid);
  const ownerOf = async () => {
    const { uid, gid, mode } = await Deno.stat(file);
    return { uid, gid, mode: (mode ?? 0) & 0o777 };
  };
  const [[kid = "", algorithm] = []] = (await jwtKeys(file, "take", secretFile)).lines;
  const [of] = await ringOfSecret(new Secret(secret));
  assert.deepEqual([kid, algorithm], [of?.kid, "HS256"]);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(file)).keys, [of]);
  assert.deepEqual(await ownerOf(), { ...owner, mode: 0o600 }, "made in the API's folder");

  await Deno.chown(folder, Deno.uid(), Deno.gid());
  const [, [next = ""] = []] = (await jwtKeys(file, "add", "EdDSA")).lines;
  assert.deepEqual(await ownerOf(), { ...owner, mode: 0o600 }, "added to");
  await jwtKeys(file, "sign", next);
  assert.deepEqual((await jwtKeys(file, "drop", kid)).lines, [[next, "EdDSA", "signs"]]);
  assert.deepEqual(await ownerOf(), { ...owner, mode: 0o600 }, "rotated");
  // A secret that is there twice would be two keys of one name, and one that is too short none.
  await Deno.writeTextFile(secretFile, "short");
  const before = await Deno.readTextFile(file);
  const refused = await jwtKeys(file, "take", secretFile);
  assert.deepEqual([refused.code, refused.shown], [2, "must have at least 32 bytes"]);
  assert.equal(await Deno.readTextFile(file), before);
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  assert.deepEqual(names.sort(), ["jwt_keys", "jwt_secret"]);
  await Deno.remove(folder, { recursive: true });
});
