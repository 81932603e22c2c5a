import { z } from "zod";
import {
  durationMs,
  durationSeconds,
  integer,
  key32,
  key32List,
  network6Cidr,
  networkCidr,
  networkList,
  origin,
  patienceSeconds,
  postgresUrl,
  redisUrl,
  secretText,
  smtpUrl,
  socketAddress,
} from "../lib/env.ts";
import { logFormats, logLevels } from "../lib/log.ts";
import { Secret } from "../lib/secret.ts";
import { spanSettings } from "../lib/spans_config.ts";
import { leastArgon2, usualArgon2 } from "./auth/argon2.ts";
import { jwkSet, jwtAlgorithms } from "./auth/key_ring.ts";
import { hostOf } from "./middleware/hosts.ts";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

const hostList = z.string().transform((text, context) =>
  text.split(",").flatMap((part) => {
    const host = hostOf(part.trim().replace(/^([0-9a-f]*:[0-9a-f:.]+)$/i, "[$1]"));
    if (host === undefined) {
      context.addIssue("must be host names or addresses, separated by commas");
    }
    return host ?? [];
  })
);

const originList = z.string().transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(z.array(origin));

/** Words as people write them; one of fewer letters than three tells nothing. */
const wordList = z.string().transform((text) => text.split(",").map((word) => word.trim()))
  .pipe(
    z.array(z.string().regex(/^[^\p{Cc}]{3,60}$/u, "must be words of 3 to 60 characters"))
      .max(200, "must be at most 200 words"),
  );

/** A JSON Web Key Set, kept as a secret because it holds private keys. */
const keySet = z.string().transform((text, context) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    context.addIssue("must be JSON: a JSON Web Key Set");
    return z.NEVER;
  }
  const parsed = jwkSet.safeParse(value);
  if (parsed.success) return new Secret(parsed.data.keys);
  const [issue] = parsed.error.issues;
  const at = issue?.path.join(".");
  context.addIssue(`is no JSON Web Key Set for signing: ${at ? `${at}: ` : ""}${issue?.message}`);
  return z.NEVER;
});

/** The API's variables, each by itself; docs/settings.md describes them. */
export const settings = z.object({
  ENV: z.enum(["dev", "prod"]).default("dev"),
  LOG_LEVEL: z.enum(logLevels).default("info"),
  LOG_FORMAT: z.enum(logFormats).default("auto"),
  API_LISTEN: z.enum(["tunnel", "loopback"]).default("tunnel"),
  API_PORT: integer(1, 65535).default(8000),
  PUBLIC_URL: origin.optional(),
  TRUSTED_PROXIES: networkList.optional(),
  ALLOWED_HOSTS: hostList.optional(),
  TLS_CERT_FILE: absolutePath.optional(),
  TLS_KEY_FILE: absolutePath.optional(),
  HSTS: z.enum(["off", "on", "preload"]).default("on"),
  CORS_ORIGINS: originList.optional(),
  API_DOCS: z.enum(["on", "off"]).optional(),
  SLOW_REQUEST_MS: integer(1, 600_000).default(1000),
  OPERATOR_SOCKET: absolutePath.default("/run/massacorp/operator/api.sock"),
  OPERATOR_LISTEN: socketAddress.optional(),
  BACKUP_METRICS: absolutePath.optional(),
  DRAIN_SECONDS: integer(0, 300).default(0),
  API_PROCESSES: integer(1, 1000).optional(),
  REDIS_URL: redisUrl.optional(),
  REDIS_CONNECT_TIMEOUT: integer(10, 60_000).default(1000),
  REDIS_COMMAND_TIMEOUT: integer(10, 60_000).default(250),
  RATE_LIMIT_SOURCE: integer(1, 1_000_000_000).optional(),
  RATE_LIMIT_LOGIN: integer(1, 1_000_000).default(5),
  RATE_LIMIT_ANONYMOUS: integer(1, 1_000_000).default(60),
  RATE_LIMIT_AUTHENTICATED: integer(1, 1_000_000).default(1200),
  RATE_LIMIT_POLICY: integer(1, 1_000_000).default(20),
  WGD_SOCKET: absolutePath.default("/run/massacorp/wgd.sock"),
  SEALER_SOCKET: absolutePath.default("/run/massacorp/sealer.sock"),
  DATABASE_URL: postgresUrl,
  DATABASE_PLATFORM_URL: postgresUrl,
  DATABASE_DIRECT_URL: postgresUrl.optional(),
  DATABASE_PREPARE: z.enum(["on", "off"]).default("on"),
  DATABASE_POOL_SIZE: integer(1, 500).default(10),
  DATABASE_MAX_OVERFLOW: integer(0, 500).default(10),
  DATABASE_POOL_TIMEOUT: durationMs.default(800),
  DATABASE_POOL_RECYCLE: patienceSeconds.default(1800),
  JWT_SECRET: secretText(32).optional(),
  JWT_KEYS: keySet.optional(),
  JWT_ALGORITHM: z.enum(jwtAlgorithms, `must be one of ${jwtAlgorithms.join(", ")}`)
    .default("HS256"),
  JWT_ISSUER: z.string().min(1).max(200).default("massacorp"),
  ACCESS_TOKEN_LIFETIME: durationSeconds.default(15 * 60),
  REFRESH_TOKEN_LIFETIME: durationSeconds.default(7 * 86400),
  SESSION_LIFETIME: durationSeconds.default(30 * 86400),
  ENCRYPTION_KEY: key32,
  ENCRYPTION_KEYS_OLD: key32List.optional(),
  MFA_KEY: key32.optional(),
  MFA_KEYS_OLD: key32List.optional(),
  PASSWORD_HASH_CONCURRENCY: integer(1, 64).optional(),
  PASSWORD_HASH_QUEUE: integer(1, 10_000).default(64),
  PASSWORD_HASH_MEMORY: integer(leastArgon2.memoryCost, 1_048_576).default(usualArgon2.memoryCost),
  PASSWORD_HASH_PASSES: integer(leastArgon2.timeCost, 20).default(usualArgon2.timeCost),
  PASSWORD_HASH_LANES: integer(leastArgon2.parallelism, 16).default(usualArgon2.parallelism),
  PASSWORD_CHECK_HIBP: z.enum(["on", "off"]).default("on"),
  PASSWORD_CHECK_HIBP_URL: z.url({ protocol: /^https?$/ }).default(
    "https://api.pwnedpasswords.com",
  ),
  PASSWORD_WORDS: wordList.optional(),
  LOGIN_FAILURE_FLOOR: patienceSeconds.default(2),
  LOGIN_PROOF_OF_WORK: integer(0, 26).default(0),
  SMTP_URL: smtpUrl.optional(),
  SMTP_TLS: z.enum(["required", "off"]).default("required"),
  SMTP_CA: z.string().startsWith("-----BEGIN CERTIFICATE-----", "must be a certificate in PEM")
    .optional(),
  MAIL_TENANT_HOURLY: integer(1, 1_000_000).default(200),
  MAIL_FROM: z.email("must be an e-mail address").optional(),
  MAIL_FOLDER: absolutePath.optional(),
  WG_INTERFACE_ID: integer(1, 32767).default(1),
  WG_NETWORK: networkCidr.default("10.10.0.0/24"),
  WG_NETWORK6: network6Cidr.optional(),
  WG_DNS: z.string().transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(
      z.array(z.union([z.ipv4(), z.ipv6()], "must be a comma-separated list of addresses")).max(8),
    )
    .optional(),
  WG_APPLY_TIMEOUT: patienceSeconds.default(2),
  ...spanSettings,
});

export type Settings = z.infer<typeof settings>;
