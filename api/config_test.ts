import assert from "node:assert/strict";
import { ConfigError } from "../lib/env.ts";
import { testSecrets } from "../tests/support/api.ts";
import { loadConfig } from "./config.ts";

const url = "postgres://massacorp_api:p@localhost/massacorp";
const good = { ...testSecrets, DATABASE_URL: url, DATABASE_PLATFORM_URL: url };

function faultsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.faults.map((fault) => fault.split(":", 1)[0] ?? "");
  }
  return [];
}

Deno.test("loadConfig: secrets and databases have no defaults, in no environment", () => {
  for (const ENV of ["dev", "prod"]) {
    assert.deepEqual(faultsOf({ ENV }), [
      "DATABASE_URL",
      "DATABASE_PLATFORM_URL",
      "JWT_SECRET",
      "ENCRYPTION_KEY",
    ]);
  }
});

Deno.test("loadConfig: T1: in production the API listens on the tunnel alone", () => {
  assert.deepEqual(faultsOf({ ...good, ENV: "prod" }), []);
  assert.deepEqual(faultsOf({ ...good, ENV: "prod", API_LISTEN: "loopback" }), ["API_LISTEN"]);
  assert.deepEqual(faultsOf({ ...good, ENV: "dev", API_LISTEN: "loopback" }), []);
});

Deno.test("loadConfig: in production a short or guessable secret does not boot", () => {
  for (const JWT_SECRET of ["secret", "x".repeat(64), "default-default-default-default-default"]) {
    assert.deepEqual(faultsOf({ ...good, ENV: "prod", JWT_SECRET }), ["JWT_SECRET"]);
  }
});

Deno.test("loadConfig: faults between settings are reported together with the others", () => {
  const faults = faultsOf({
    ...good,
    ENV: "prod",
    API_LISTEN: "loopback",
    API_PORT: "0",
    SESSION_LIFETIME: "31d",
    ACCESS_TOKEN_LIFETIME: "2h",
    WG_NETWORK: "10.0.0.0/8",
  });
  assert.deepEqual(faults.sort(), [
    "ACCESS_TOKEN_LIFETIME",
    "API_LISTEN",
    "API_PORT",
    "SESSION_LIFETIME",
    "WG_NETWORK",
  ]);
});

Deno.test("loadConfig: the configuration prints no secret", () => {
  const printed = Deno.inspect(loadConfig(good), { depth: 10 }) + JSON.stringify(loadConfig(good));
  for (const secret of Object.values(testSecrets)) assert(!printed.includes(secret));
  assert(!printed.includes("massacorp_api:p"));
});
