import { testSecrets } from "../tests/support/api.ts";
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

const postgres = url("postgres", "postgresql");
const good = {
  ...testSecrets,
  DATABASE_URL: "postgres://massacorp_api:p@localhost/massacorp",
  DATABASE_PLATFORM_URL: "postgres://massacorp_platform:p@localhost/massacorp",
};
const waits = duration(["1d", "86401"]);
const HS256 = {
  kty: "oct",
  alg: "HS256",
  kid: "a",
  k: "qqq83PoHdKnBhmx1m1ccNEKREotL7fBHiwdXGeuQMuA",
};

const borders: Record<string, Border> = {
  ENV: { ...oneOf("dev", "prod"), refuses: ["test", "production", "PROD"] },
  LOG_LEVEL: oneOf("debug", "info", "warn", "error", "critical", "silent"),
  LOG_FORMAT: oneOf("auto", "json", "pretty"),
  API_LISTEN: { ...oneOf("tunnel", "loopback"), refuses: ["0.0.0.0", "all", "Loopback"] },
  API_PORT: whole(1, 65_535),
  PUBLIC_URL: {
    refuses: [
      "vpn.example.com",
      "ftp://a.example",
      "https://a.example/x",
      "https://u:p@a.example",
      "https://a.example/?q",
    ],
    takes: ["https://a.example", "http://10.10.0.1:8000", "https://a.example/"],
  },
  TRUSTED_PROXIES: {
    refuses: ["localhost", "127.0.0.1/8", "10.10.0.9", "0.0.0.0/0"],
    takes: ["127.0.0.1", "192.0.2.0/24, ::1"],
    beside: { API_LISTEN: "loopback" },
  },
  ALLOWED_HOSTS: {
    refuses: ["*", "a b", "a/b", "https://a"],
    takes: ["a.example,192.0.2.1", "fd00::1"],
  },
  TLS_CERT_FILE: { ...absolutePath, beside: { TLS_KEY_FILE: "/k" } },
  TLS_KEY_FILE: { ...absolutePath, beside: { TLS_CERT_FILE: "/c" } },
  HSTS: { ...oneOf("off", "on", "preload"), beside: { PUBLIC_URL: "https://a.example" } },
  CORS_ORIGINS: {
    refuses: ["*", "null", "a.example", "https://a.example/x"],
    takes: ["https://a.example, http://b.example:1"],
  },
  API_DOCS: oneOf("on", "off"),
  SLOW_REQUEST_MS: whole(1, 600_000),
  OPERATOR_SOCKET: absolutePath,
  OPERATOR_LISTEN: {
    refuses: ["0.0.0.0:1", "10.10.0.1:1", "localhost:1", "127.0.0.1"],
    takes: ["127.0.0.1:1"],
  },
  BACKUP_METRICS: absolutePath,
  DRAIN_SECONDS: whole(0, 300),
  WGD_SOCKET: absolutePath,
  SEALER_SOCKET: absolutePath,
  DATABASE_URL: postgres,
  DATABASE_PLATFORM_URL: postgres,
  DATABASE_DIRECT_URL: postgres,
  JWT_SECRET: {
    refuses: [
      "short",
      "x".repeat(64),
      "0123456789abcdef0123456789abcde",
      "my-secret-tLwq0mXb9GvN4r7JzKcY2pHfU",
    ],
    takes: [testSecrets.JWT_SECRET],
  },
  JWT_KEYS: {
    beside: { JWT_SECRET: "" },
    refuses: ["{", "[]", '{"keys":[]}'],
    takes: [JSON.stringify({ keys: [HS256] })],
  },
  ENCRYPTION_KEY: key32,
  ENCRYPTION_KEYS_OLD: keys32,
  MFA_KEY: key32,
  MFA_KEYS_OLD: keys32,
  DATABASE_PREPARE: oneOf("on", "off"),
  DATABASE_POOL_SIZE: whole(1, 500),
  DATABASE_MAX_OVERFLOW: whole(0, 500),
  DATABASE_POOL_TIMEOUT: {
    ...waits,
    takes: [...waits.takes, "1ms", "86400000ms"],
    refuses: [...waits.refuses, "86400001ms", "0ms"],
  },
  DATABASE_POOL_RECYCLE: waits,
  JWT_ALGORITHM: { refuses: ["none", "hs256", "RS256"], takes: ["HS256"] },
  JWT_ISSUER: { refuses: ["x".repeat(201)], takes: ["x", "x".repeat(200)] },
  ACCESS_TOKEN_LIFETIME: duration(["1h", "3601"]),
  REFRESH_TOKEN_LIFETIME: duration(["30d", "2592001"]),
  SESSION_LIFETIME: { ...duration(["30d", "2592001"]), beside: { REFRESH_TOKEN_LIFETIME: "1" } },
  API_PROCESSES: whole(1, 1000),
  REDIS_URL: url("redis", "rediss"),
  REDIS_CONNECT_TIMEOUT: whole(10, 60_000),
  REDIS_COMMAND_TIMEOUT: whole(10, 60_000),
  RATE_LIMIT_SOURCE: whole(1, 1_000_000_000),
  RATE_LIMIT_LOGIN: whole(1, 1_000_000),
  RATE_LIMIT_ANONYMOUS: whole(1, 1_000_000),
  RATE_LIMIT_AUTHENTICATED: whole(1, 1_000_000),
  RATE_LIMIT_POLICY: whole(1, 1_000_000),
  PASSWORD_HASH_CONCURRENCY: whole(1, 64),
  PASSWORD_HASH_QUEUE: whole(1, 10_000),
  PASSWORD_HASH_MEMORY: whole(19_456, 1_048_576),
  PASSWORD_HASH_PASSES: whole(2, 20),
  PASSWORD_HASH_LANES: whole(1, 16),
  PASSWORD_CHECK_HIBP: oneOf("on", "off"),
  PASSWORD_CHECK_HIBP_URL: {
    refuses: ["a.example", "file:///x", "ftp://a.example"],
    takes: ["http://a.example", "https://a.example/x"],
  },
  PASSWORD_WORDS: {
    refuses: ["ab", "Zeppelin,", `${"x".repeat(61)}`, "tab\tbed", Array(201).fill("word").join()],
    takes: ["Zeppelin", "Zeppelin Quay, Ørsted ,ceo", Array(200).fill("word").join()],
  },
  LOGIN_FAILURE_FLOOR: waits,
  LOGIN_PROOF_OF_WORK: whole(0, 26),
  SMTP_URL: { ...url("smtp", "smtps"), beside: { MAIL_FROM: "a@b.example" } },
  SMTP_TLS: { ...oneOf("required", "off"), refuses: ["on", "Off", "starttls"] },
  SMTP_CA: { refuses: ["/etc/ca.pem", "x"], takes: ["-----BEGIN CERTIFICATE-----\n"] },
  MAIL_FROM: {
    refuses: ["a", "a@", "a@b.example\nBcc: c@d.example", "A <a@b.example>"],
    takes: ["a@b.example"],
  },
  MAIL_TENANT_HOURLY: whole(1, 1_000_000),
  MAIL_FOLDER: absolutePath,
  WG_INTERFACE_ID: whole(1, 32_767),
  WG_DNS: {
    refuses: ["dns.example", "1.1.1.1,", Array(9).fill("1.1.1.1").join(",")],
    takes: ["1.1.1.1, fd00::1", Array(8).fill("1.1.1.1").join(",")],
  },
  WG_NETWORK: network,
  WG_NETWORK6: network6,
  WG_APPLY_TIMEOUT: waits,
  ...spans,
};

Deno.test("loadConfig: each setting of the API refuses what is past its border, by its name alone, and takes what is on it", async () => {
  await judgeSettings({ process: "api", load: loadConfig, good, borders });
});
