import assert from "node:assert/strict";
import { z } from "zod";
import { settingsAtFault } from "../tests/support/settings.ts";
import {
  durationSeconds,
  integer,
  key32,
  networkCidr,
  parseEnv,
  postgresUrl,
  secretText,
} from "./env.ts";

const schema = z.object({
  PORT: integer(1, 65535).default(8000),
  TOKEN: secretText(32),
  KEY: key32.optional(),
  LIFETIME: durationSeconds.default(900),
  DATABASE: postgresUrl.optional(),
  NETWORK: networkCidr.default("10.10.0.0/24"),
});
const token = "tLwq0mXb9GvN4r7JzKcY2pHfUe6sDaQi";
const parse = (env: Record<string, string>, files: Record<string, string> = {}) =>
  parseEnv(schema, env, {
    fromFile: ["TOKEN"],
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    },
  });

const faultsOf = (env: Record<string, string>, files: Record<string, string> = {}) =>
  settingsAtFault(() => parse(env, files), env);

Deno.test("parseEnv: defaults, numbers, durations and secrets", () => {
  const config = parse({ TOKEN: token, LIFETIME: "2h", PORT: "" });
  assert.equal(config.PORT, 8000);
  assert.equal(config.LIFETIME, 7200);
  assert.equal(config.TOKEN.reveal(), token);
});

Deno.test("parseEnv: reports all faults together, by name and never by value", () => {
  const bad: Record<string, string> = {
    PORT: "eighty",
    TOKEN: "hunter2",
    KEY: "hunter2",
    LIFETIME: "soon",
    DATABASE: "mysql://hunter2",
    NETWORK: "x",
  };
  assert.deepEqual(faultsOf(bad), Object.keys(bad));
  try {
    parse(bad);
  } catch (error) {
    assert(!String(error).includes("hunter2"));
  }
});

Deno.test("parseEnv: a secret may come from a file, but not from both", () => {
  assert.equal(parse({ TOKEN_FILE: "/s" }, { "/s": `${token}\n` }).TOKEN.reveal(), token);
  assert.deepEqual(faultsOf({ TOKEN_FILE: "/missing" }), ["TOKEN_FILE"]);
  assert.deepEqual(faultsOf({ TOKEN_FILE: "/s", TOKEN: token }, { "/s": token }), ["TOKEN"]);
  assert.deepEqual(
    faultsOf({ TOKEN: token, PORT_FILE: "/p" }),
    [],
    "only what is listed comes from files",
  );
});

Deno.test("secretText: refuses short, repeated and telling values", () => {
  for (
    const weak of [
      "",
      "short",
      "a".repeat(64),
      "abababababababababababababababababababab",
      "change-me-tLwq0mXb9GvN4r7JzKcY2pHfUe",
    ]
  ) {
    assert(faultsOf({ TOKEN: weak }).includes("TOKEN"), weak);
  }
});

Deno.test("key32: takes 32 random bytes in either base64 alphabet, and no others", () => {
  const key = crypto.getRandomValues(new Uint8Array(32));
  const base64 = btoa(String.fromCharCode(...key));
  const url = base64.replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
  for (const text of [base64, url]) {
    assert.deepEqual(parse({ TOKEN: token, KEY: text }).KEY?.reveal(), key);
  }
  for (const text of [base64.slice(4), `${base64}AAAA`, btoa("\0".repeat(32)), "!".repeat(44)]) {
    assert.deepEqual(faultsOf({ TOKEN: token, KEY: text }), ["KEY"], text);
  }
});
