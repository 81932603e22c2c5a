import { z } from "zod";
import { addressPlan } from "../lib/address.ts";
import {
  durationSeconds,
  type Env,
  integer,
  key32,
  key32List,
  network6Cidr,
  networkCidr,
  parseEnv,
  patienceSeconds,
  postgresUrl,
  processEnv,
  type ReadFile,
} from "../lib/env.ts";
import { logFormats, logLevels } from "../lib/log.ts";
import { checkSpans, spanSettings } from "../lib/spans_config.ts";

const schema = z.object({
  ENV: z.enum(["dev", "prod"]).default("dev"),
  LOG_LEVEL: z.enum(logLevels).default("info"),
  LOG_FORMAT: z.enum(logFormats).default("auto"),
  WGD_DATABASE_URL: postgresUrl,
  WGD_PRESHARED_SUBKEY: key32,
  WGD_PRESHARED_SUBKEYS_OLD: key32List.optional(),
  WGD_SOCKET: z.string().startsWith("/", "must be an absolute path").default(
    "/run/massacorp/wgd.sock",
  ),
  WGD_LOCK_FOLDER: z.string().startsWith("/", "must be an absolute path").default("/run/massacorp"),
  WGD_RECONCILE_INTERVAL: patienceSeconds.default(1),
  WGD_TRAFFIC_INTERVAL: patienceSeconds.default(30),
  WGD_COMMAND_TIMEOUT: patienceSeconds.default(5),
  WG_KEY_FILE: z.string().startsWith("/", "must be an absolute path").default(
    "/var/lib/massacorp/wgd/gateway.key",
  ),
  WG_INTERFACE: z.string().regex(
    /^[a-zA-Z0-9_=+.-]{1,15}$/,
    "must be a Linux interface name of at most 15 characters",
  ).default("wg0"),
  WG_INTERFACE_ID: integer(1, 32767).default(1),
  WG_NETWORK: networkCidr.default("10.10.0.0/24"),
  WG_NETWORK6: network6Cidr.optional(),
  WG_PORT: integer(1, 65535).default(51820),
  WG_ENDPOINT: z.string().regex(
    /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]{1,253})(:[1-9]\d{0,4})?$/,
    "must be host or host:port as clients dial it",
  ).refine((text) => Number(/:(\d+)$/.exec(text)?.[1] ?? 1) <= 65535, "has no such port"),
  WG_MTU: integer(1280, 9000).default(1420),
  WG_ADDRESS_REST: durationSeconds.refine((seconds) => seconds <= 30 * 86400, "must be at most 30d")
    .default(3600),
  WG_TENANT_SHARE: integer(1, 100).default(50),
  API_PORT: integer(1, 65535).default(8000),
  ...spanSettings,
});

type Key = z.infer<typeof key32>;

/** The first is what new ones are sealed under; the others open what they sealed. */
function presharedSubkeys(
  keys: { WGD_PRESHARED_SUBKEY: Key; WGD_PRESHARED_SUBKEYS_OLD?: Key[] | undefined },
): readonly [Key, ...Key[]] {
  return [keys.WGD_PRESHARED_SUBKEY, ...keys.WGD_PRESHARED_SUBKEYS_OLD ?? []];
}

/** The daemon's settings; docs/settings.md describes each variable. */
export type WgdConfig = ReturnType<typeof loadConfig>;

/** @throws {ConfigError} naming every fault at once */
export function loadConfig(env: Env = processEnv, readFile?: ReadFile) {
  const parsed = parseEnv(schema, env, {
    between: checkSpans,
    fromFile: ["WGD_DATABASE_URL", "WGD_PRESHARED_SUBKEY", "WGD_PRESHARED_SUBKEYS_OLD"],
    ...(readFile ? { readFile } : {}),
  });
  const port = /:\d+$/.test(parsed.WG_ENDPOINT) ? "" : `:${parsed.WG_PORT}`;
  return {
    env: parsed.ENV,
    logLevel: parsed.LOG_LEVEL,
    logFormat: parsed.LOG_FORMAT,
    spans: parsed.OTEL_DENO_TRACING === "true",
    databaseUrl: parsed.WGD_DATABASE_URL,
    presharedSubkeys: presharedSubkeys(parsed),
    socket: parsed.WGD_SOCKET,
    lockFolder: parsed.WGD_LOCK_FOLDER,
    reconcileIntervalMs: parsed.WGD_RECONCILE_INTERVAL * 1000,
    trafficIntervalMs: parsed.WGD_TRAFFIC_INTERVAL * 1000,
    commandTimeoutMs: parsed.WGD_COMMAND_TIMEOUT * 1000,
    keyFile: parsed.WG_KEY_FILE,
    interface: {
      id: parsed.WG_INTERFACE_ID,
      name: parsed.WG_INTERFACE,
      plan: addressPlan(parsed.WG_NETWORK, parsed.WG_NETWORK6),
      listenPort: parsed.WG_PORT,
      endpoint: parsed.WG_ENDPOINT + port,
      mtu: parsed.WG_MTU,
      addressRestSeconds: parsed.WG_ADDRESS_REST,
      tenantShare: parsed.WG_TENANT_SHARE,
    },
    apiPort: parsed.API_PORT,
  };
}
