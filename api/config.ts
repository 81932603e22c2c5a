import { addressPlan } from "../lib/address.ts";
import { type Env, parseEnv, processEnv, type ReadFile } from "../lib/env.ts";
import { faultsTogether } from "./config_faults.ts";
import { hostOf } from "./middleware/hosts.ts";
import { type Settings, settings } from "./settings.ts";

type Key = Settings["ENCRYPTION_KEY"];

type Keys = Pick<
  Settings,
  "ENCRYPTION_KEY" | "ENCRYPTION_KEYS_OLD" | "MFA_KEY" | "MFA_KEYS_OLD"
>;

function encryptionKeys(keys: Keys): readonly [Key, ...Key[]] {
  return [keys.ENCRYPTION_KEY, ...keys.ENCRYPTION_KEYS_OLD ?? []];
}

function mfaKeys(keys: Keys): readonly [Key, ...Key[]] {
  const [newest, ...older] = encryptionKeys(keys);
  const old = [...keys.MFA_KEYS_OLD ?? [], ...older];
  return keys.MFA_KEY ? [keys.MFA_KEY, ...old, newest] : [newest, ...old];
}

/** Settings that may also be given as the path of a file. */
const fromFile: (keyof Settings)[] = [
  "DATABASE_URL",
  "DATABASE_PLATFORM_URL",
  "DATABASE_DIRECT_URL",
  "JWT_SECRET",
  "JWT_KEYS",
  "ENCRYPTION_KEY",
  "ENCRYPTION_KEYS_OLD",
  "MFA_KEY",
  "MFA_KEYS_OLD",
  "REDIS_URL",
  "SMTP_URL",
  "SMTP_CA",
];
const fileable: ReadonlySet<string> = new Set(fromFile);

/** What the API is told by its variables. */
export type ApiConfig = ReturnType<typeof loadConfig>;

/** @throws {ConfigError} naming every fault at once */
export function loadConfig(env: Env = processEnv, readFile?: ReadFile) {
  // The process may see no other name.
  const isGiven = (name: string) => Boolean(env[name] || fileable.has(name) && env[`${name}_FILE`]);
  const parsed = parseEnv(settings, env, {
    between: (value) => faultsTogether(value, isGiven),
    fromFile,
    ...(readFile ? { readFile } : {}),
  });
  const plan = addressPlan(parsed.WG_NETWORK, parsed.WG_NETWORK6);
  const tls = parsed.TLS_CERT_FILE && parsed.TLS_KEY_FILE
    ? { certFile: parsed.TLS_CERT_FILE, keyFile: parsed.TLS_KEY_FILE }
    : undefined;
  const publicUrl = parsed.PUBLIC_URL ??
    `${tls ? "https" : "http"}://${plan.gateway}:${parsed.API_PORT}`;
  const ownHosts = [
    ...[new URL(publicUrl).host, plan.gateway, plan.api],
    ...(plan.six ? [`[${plan.six.gateway}]`, `[${plan.six.api}]`] : []),
    ...(parsed.API_LISTEN === "loopback" ? ["127.0.0.1", "localhost"] : []),
  ].flatMap((authority) => hostOf(authority) ?? []);
  return {
    env: parsed.ENV,
    logLevel: parsed.LOG_LEVEL,
    logFormat: parsed.LOG_FORMAT,
    spans: parsed.OTEL_DENO_TRACING === "true",
    listen: parsed.API_LISTEN,
    port: parsed.API_PORT,
    publicUrl,
    trustedProxies: parsed.TRUSTED_PROXIES ?? [],
    allowedHosts: new Set([...ownHosts, ...parsed.ALLOWED_HOSTS ?? []]),
    tls,
    hsts: parsed.HSTS,
    corsOrigins: parsed.CORS_ORIGINS ?? [],
    docs: (parsed.API_DOCS ?? (parsed.ENV === "dev" ? "on" : "off")) === "on",
    slowRequestMs: parsed.SLOW_REQUEST_MS,
    operatorSocket: parsed.OPERATOR_SOCKET,
    operatorListen: parsed.OPERATOR_LISTEN,
    backupMetrics: parsed.BACKUP_METRICS,
    drainSeconds: parsed.DRAIN_SECONDS,
    wgdSocket: parsed.WGD_SOCKET,
    sealerSocket: parsed.SEALER_SOCKET,
    database: {
      url: parsed.DATABASE_URL,
      platformUrl: parsed.DATABASE_PLATFORM_URL,
      directUrl: parsed.DATABASE_DIRECT_URL ?? parsed.DATABASE_URL,
      prepare: parsed.DATABASE_PREPARE === "on",
      poolSize: parsed.DATABASE_POOL_SIZE,
      maxOverflow: parsed.DATABASE_MAX_OVERFLOW,
      poolTimeoutMs: parsed.DATABASE_POOL_TIMEOUT,
      recycleSeconds: parsed.DATABASE_POOL_RECYCLE,
    },
    redis: parsed.REDIS_URL && {
      url: parsed.REDIS_URL,
      connectTimeoutMs: parsed.REDIS_CONNECT_TIMEOUT,
      commandTimeoutMs: parsed.REDIS_COMMAND_TIMEOUT,
    },
    // Somebody who has a Redis for it has more than one, or will.
    processes: parsed.API_PROCESSES ?? (parsed.REDIS_URL ? 2 : 1),
    rateLimits: {
      source: parsed.RATE_LIMIT_SOURCE ?? 2 * Math.max(
            ...[parsed.RATE_LIMIT_LOGIN, parsed.RATE_LIMIT_ANONYMOUS],
            parsed.RATE_LIMIT_AUTHENTICATED,
          ),
      login: parsed.RATE_LIMIT_LOGIN,
      anonymous: parsed.RATE_LIMIT_ANONYMOUS,
      authenticated: parsed.RATE_LIMIT_AUTHENTICATED,
    },
    policiesAMinute: parsed.RATE_LIMIT_POLICY,
    tokens: {
      secret: parsed.JWT_SECRET,
      keys: parsed.JWT_KEYS,
      issuer: parsed.JWT_ISSUER,
      accessSeconds: parsed.ACCESS_TOKEN_LIFETIME,
      refreshSeconds: parsed.REFRESH_TOKEN_LIFETIME,
      sessionSeconds: parsed.SESSION_LIFETIME,
    },
    // The first one seals; the others open what they sealed.
    encryptionKeys: encryptionKeys(parsed),
    // The first one seals. That of everything else is always among them: it is what seals where no other is set.
    mfaKeys: mfaKeys(parsed),
    passwordHash: {
      concurrency: parsed.PASSWORD_HASH_CONCURRENCY ?? navigator.hardwareConcurrency,
      queue: parsed.PASSWORD_HASH_QUEUE,
      parameters: {
        memoryCost: parsed.PASSWORD_HASH_MEMORY,
        timeCost: parsed.PASSWORD_HASH_PASSES,
        parallelism: parsed.PASSWORD_HASH_LANES,
      },
    },
    passwords: {
      breaches: parsed.PASSWORD_CHECK_HIBP === "off"
        ? null
        : { endpoint: new URL(parsed.PASSWORD_CHECK_HIBP_URL), timeoutMs: 2_000 },
      words: parsed.PASSWORD_WORDS ?? [],
    },
    login: {
      failureFloorMs: parsed.LOGIN_FAILURE_FLOOR * 1000,
      proofOfWorkBits: parsed.LOGIN_PROOF_OF_WORK,
    },
    mail: {
      anHour: parsed.MAIL_TENANT_HOURLY,
      from: parsed.MAIL_FROM ?? "no-reply@massacorp.internal",
      folder: parsed.MAIL_FOLDER,
      smtp: parsed.SMTP_URL &&
        { url: parsed.SMTP_URL, tls: parsed.SMTP_TLS, ca: parsed.SMTP_CA },
    },
    wireguard: {
      interfaceId: parsed.WG_INTERFACE_ID,
      plan,
      dns: parsed.WG_DNS ?? [],
      applyTimeoutMs: parsed.WG_APPLY_TIMEOUT * 1000,
    },
  };
}
