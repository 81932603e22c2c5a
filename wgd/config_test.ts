import { deepEqual, equal } from "node:assert/strict";
import {
  absolutePath,
  type Border,
  duration,
  judgeSettings,
  key32,
  keys32,
  network,
  network6,
  oneOf,
  spans,
  url,
  whole,
} from "../tests/support/settings.ts";
import { loadConfig } from "./config.ts";

const [subkey = ""] = key32.takes;
const good = {
  WGD_DATABASE_URL: "postgres://massacorp_wgd:p@localhost/massacorp",
  WGD_PRESHARED_SUBKEY: subkey,
  WG_ENDPOINT: "vpn.example.com",
};
const waits = duration(["1d", "86401"]);
const borders: Record<string, Border> = {
  ENV: oneOf("dev", "prod"),
  LOG_LEVEL: oneOf("debug", "info", "warn", "error", "critical", "silent"),
  LOG_FORMAT: oneOf("auto", "json", "pretty"),
  WGD_DATABASE_URL: url("postgres", "postgresql"),
  WGD_PRESHARED_SUBKEY: key32,
  WGD_PRESHARED_SUBKEYS_OLD: keys32,
  WGD_SOCKET: absolutePath,
  WGD_LOCK_FOLDER: absolutePath,
  WGD_RECONCILE_INTERVAL: waits,
  WGD_TRAFFIC_INTERVAL: waits,
  WGD_COMMAND_TIMEOUT: waits,
  WG_KEY_FILE: absolutePath,
  WG_INTERFACE: {
    refuses: ["wg 0", "wg/0", "w".repeat(16), "wg;0", "../x"],
    takes: ["w", "w".repeat(15), "aZ09_=+.-"],
  },
  WG_INTERFACE_ID: whole(1, 32_767),
  WG_NETWORK: network,
  WG_NETWORK6: network6,
  WG_PORT: whole(1, 65_535),
  WG_ENDPOINT: {
    refuses: [
      "a b",
      "a:0",
      "a:01",
      "a:65536",
      "a:70000",
      "a:",
      "https://a",
      "a/b",
      "fd00::1",
      "[fd00::1",
      "x".repeat(254),
    ],
    takes: [
      "a",
      "a:1",
      "a.example:65535",
      "192.0.2.1",
      "[fd00::1]",
      "[fd00::1]:51820",
      "x".repeat(253),
    ],
  },
  WG_MTU: whole(1280, 9000),
  WG_ADDRESS_REST: duration(["30d", "2592001"]),
  WG_TENANT_SHARE: whole(1, 100),
  API_PORT: whole(1, 65_535),
  ...spans,
};

Deno.test("loadConfig: each setting of the daemon refuses what is past its border, by its name alone, and takes what is on it", async () => {
  await judgeSettings({ process: "wgd", load: loadConfig, good, borders });
});

Deno.test("loadConfig: the daemon's secrets have no defaults, and are printed by nothing", () => {
  let said = "";
  try {
    loadConfig({});
  } catch (error) {
    said = String(error);
  }
  deepEqual(said.match(/[A-Z_]+(?=: is required)/g), [
    "WGD_DATABASE_URL",
    "WGD_PRESHARED_SUBKEY",
    "WG_ENDPOINT",
  ]);
  const config = loadConfig({ ...good, WGD_PRESHARED_SUBKEYS_OLD: subkey });
  const printed = Deno.inspect(config, { depth: 10 }) + JSON.stringify(config);
  equal(printed.includes(subkey) || printed.includes("massacorp_wgd:p"), false);
  // The first seals, and what was is only opened.
  equal(config.presharedSubkeys.length, 2);
});

Deno.test("loadConfig: clients dial the port that the daemon listens on, where none is named", () => {
  const dialled = (WG_ENDPOINT: string) =>
    loadConfig({ ...good, WG_PORT: "7", WG_ENDPOINT }).interface.endpoint;
  deepEqual(["a", "a:9", "[fd00::1]", "[fd00::1]:9"].map(dialled), [
    "a:7",
    "a:9",
    "[fd00::1]:7",
    "[fd00::1]:9",
  ]);
});
