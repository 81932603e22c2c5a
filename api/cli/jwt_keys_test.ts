import assert from "node:assert/strict";
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
