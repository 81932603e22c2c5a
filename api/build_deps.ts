import { z } from "zod";
import { pauseFor } from "../lib/pause.ts";
import type { Clock } from "../lib/clock.ts";
import { createHmac } from "../lib/hmac.ts";
import { errorFields, type Logger } from "../lib/log.ts";
import { deriveSubkey, type KeyPurpose } from "../lib/seal.ts";
import { createSocketClient } from "../lib/socket_client.ts";
import { createWgdClient } from "../wgd/client.ts";
import { createNamingSealer, createSealRing, type NamingSealer } from "../lib/seal_ring.ts";
import { version } from "../lib/version.ts";
import { createApiKeyUsage } from "./auth/api_key_usage.ts";
import { createBcrypt } from "./auth/bcrypt.ts";
import { createBreachCheck } from "./auth/breach_check.ts";
import { createProofOfWork } from "./auth/challenge.ts";
import { createFailureCounters } from "./auth/failure_counters.ts";
import { createFailureFloor, systemTimer, type Timer } from "./auth/failure_floor.ts";
import { createKeyRing, type KeyRing, ringOfSecret } from "./auth/key_ring.ts";
import { checkPermissions, PermissionMismatchError } from "./auth/permissions.ts";
import { createPasswordHasher } from "./auth/password_hash.ts";
import { createPasswordChecks } from "./auth/password_rules.ts";
import { createPasswordStrength } from "./auth/password_strength.ts";
import { lockWindowMs } from "./auth/throttle.ts";
import { createRecoveryDigests } from "./auth/recovery_codes.ts";
import { createTokens } from "./auth/tokens.ts";
import type { ApiConfig } from "./config.ts";
import { createLookups } from "./database/lookups.ts";
import { listenFor } from "./database/notifications.ts";
import { createPeerCache } from "./database/peer_cache.ts";
import { createPool, type Pool } from "./database/pool.ts";
import { createRoleGate, UnsafeRoleError } from "./database/role_check.ts";
import { createRoom } from "./database/room.ts";
import { checkSchema, SchemaMismatchError } from "./database/schema_check.ts";
import { createPlatform, createTenancy } from "./database/tenancy.ts";
import { watchEventLoop } from "./process/event_loop.ts";
import { createDeliveryEraser } from "./features/deliveries/mod.ts";
import { createRetention } from "./retention/mod.ts";
import { checkSealingKeys } from "./features/encryption/mod.ts";
import { createHealth, daemonTrouble } from "./process/health.ts";
import { createInfrastructure, dependenciesOf } from "./features/tunnel_policy/mod.ts";
import { createLimits } from "./limits/limits.ts";
import { Meters } from "./process/meters.ts";
import { spanned } from "./process/spans.ts";
import type { Deps } from "./deps.ts";
import {
  createPostman,
  fileTransport,
  type Postman,
  smtpTransport,
  type Transport,
} from "./mail/mod.ts";

export interface BuiltDeps {
  deps: Deps;
  /**
   * Waits for the database, and for its word that the roles are safe and the permissions those of this code.
   * @throws {UnsafeRoleError} when row-level security would not hold one of them
   * @throws {SchemaMismatchError} when the schema is not one that this code can work with
   * @throws {PermissionMismatchError}
   */
  rolesAreSafe(): Promise<void>;
  /** Begins what the API does unasked: mails leave, and what has ended goes. */
  start(): void;
  close(): Promise<void>;
}

/** Wires the dependencies from the configuration. Nothing is connected before it is first used. */
export async function buildDeps(
  options: { config: ApiConfig; clock: Clock; log: Logger; timer?: Timer },
): Promise<BuiltDeps> {
  const { config, clock, log, timer = systemTimer } = options;
  const { room, apiPool, platformPool } = openPools(config.database);
  const spans = config.spans ? spanned : null;
  const calls = createWgdClient(config.wgdSocket, { timeoutMs: config.wireguard.applyTimeoutMs });
  const wgd = spans?.wgd(calls) ?? calls;

  const sealer = createSocketClient(config.sealerSocket, { timeoutMs: 2_000 });
  const meters = new Meters();
  const eventLoop = watchEventLoop((seconds) => meters.eventLoopDelay(seconds));

  const redis = config.redis ? await openRedis(config.redis, log) : null;

  const transactions = createTenancy(apiPool);
  const tenancy = spans?.tenancy(transactions) ?? transactions;
  const acrossTenants = createPlatform(platformPool);
  const apiKeyUsage = createApiKeyUsage({ tenancy, clock, log });
  const lookups = createLookups(apiPool, tenancy);
  const peerCache = createPeerCache((address) => lookups.peer(address), timer.now);
  const notifications = listenFor(config.database.directUrl, {
    channel: "wg_desired",
    onNotify: () => peerCache.clear(),
    onReady: () => {
      peerCache.clear();
      log.debug("listening for changes of peers");
    },
    log,
  });

  const letters = await namingSealer(config.encryptionKeys, "mail");
  const way = transportOf(config.mail);
  const postman = createPostman({
    tenancy,
    lookups,
    letters,
    transport: way && (spans?.transport(way) ?? way),
    clock,
    log,
  });

  const deliveryEraser = createDeliveryEraser({ tenancy, lookups, clock, log });
  const retention = createRetention({ tenancy, platform: acrossTenants, clock, log });

  const health = createHealth({
    database: () => apiPool.use(({ sql }) => sql`select 1`).then(() => null),
    platform_database: () => platformPool.use(({ sql }) => sql`select 1`).then(() => null),
    daemon: async () => daemonTrouble(await wgd.status()),
    sealer: async () => {
      const { distrust } = z.object({ distrust: z.string().nullable() })
        .parse(await (await sealer.get("/v1/status")).json());
      return distrust;
    },
    mail: () => Promise.resolve(mailTrouble(postman)),
    ...(redis ? { redis: () => redis.ping() } : {}),
  }, log);

  const strength = createPasswordStrength();
  const bcrypt = createBcrypt(config.passwordHash);
  const hasher = await createPasswordHasher({
    ...{ ...config.passwordHash, bcrypt, demand: room.demand },
  });

  const deps: Deps = {
    env: config.env,
    version,
    clock,
    timer,
    log,
    tenancy,
    platform: spans?.platform(acrossTenants) ?? acrossTenants,
    lookups: { ...lookups, peer: (address) => peerCache.find(address) },
    redis,
    limits: createLimits(config.rateLimits, { redis, processes: config.processes, log }),
    hasher,
    failureFloor: createFailureFloor({
      leastMs: config.login.failureFloorMs,
      slowestMs: () => hasher.stats.slowestMs,
      timer,
      log,
    }),
    failureCounters: createFailureCounters({ windowMs: lockWindowMs, redis, clock, log }),
    challenge: config.login.proofOfWorkBits === 0 ? null : await createProofOfWork({
      subkey: await deriveSubkey(config.encryptionKeys[0], "login-challenge"),
      bits: config.login.proofOfWorkBits,
      clock,
    }),
    passwords: createPasswordChecks({
      strength,
      words: config.passwords.words,
      breaches: config.passwords.breaches && createBreachCheck({
        ...config.passwords.breaches,
        log,
        count: (outcome) => meters.breachCheck(outcome),
      }),
    }),
    tokens: createTokens({ ...config.tokens, keys: await ringOf(config.tokens), clock }),
    apiKeyUsage,
    identifierDigest: await createHmac(
      await deriveSubkey(config.encryptionKeys[0], "login-identifier"),
    ),
    presharedKeys: await namingSealer(config.encryptionKeys, "wireguard-preshared-key"),
    mfa: {
      secrets: await createSealRing(config.mfaKeys, "mfa-secret"),
      codes: await createRecoveryDigests(config.mfaKeys),
    },
    letters,
    postman,
    wgd,
    sealer,
    infrastructure: createInfrastructure(dependenciesOf(config)),
    health,
    meters,
    pools: () => ({ api: apiPool.stats, platform: platformPool.stats }),
    settings: settingsOf(config),
  };
  return {
    deps,
    async rolesAreSafe() {
      let said = "";
      for (const pool of [apiPool, platformPool]) {
        for (let error = await whyNotReady(pool); error; error = await whyNotReady(pool)) {
          if (error.message !== said) log.warn("the database is waited for", errorFields(error));
          said = error.message;
          await pauseFor(500);
        }
      }
      await checkSealingKeys(deps).catch((error) => {
        log.warn("keys of what is sealed could not be looked at", errorFields(error));
      });
    },
    start() {
      for (const each of [postman, deliveryEraser, retention]) each.start();
    },
    async close() {
      eventLoop.close();
      await deliveryEraser.close();
      await retention.close();
      await postman.close();
      await apiKeyUsage.close();
      bcrypt.close();
      strength.close();
      wgd.close();
      sealer.close();
      redis?.close();
      await notifications.close();
      await Promise.all([apiPool.end(), platformPool.end()]);
    },
  };
}

/** Nothing goes through them before the roles are known to be safe, and `room` hears of a disk that is full. */
function openPools(database: ApiConfig["database"]) {
  const bounds = {
    timeoutMs: database.poolTimeoutMs,
    recycleSeconds: database.recycleSeconds,
    prepare: database.prepare,
  };
  const room = createRoom();
  const open = (
    url: typeof database.url,
    options: { applicationName: string; size: number; overflow: number },
  ) => room.heard(createRoleGate(createPool(url, { ...options, ...bounds })));
  return {
    room,
    apiPool: open(database.url, {
      applicationName: "massacorp-api",
      size: database.poolSize,
      overflow: database.maxOverflow,
    }),
    platformPool: open(database.platformUrl, {
      applicationName: "massacorp-platform",
      size: 1,
      overflow: 3,
    }),
  };
}

/** What operations and middlewares take from the configuration. */
function settingsOf(config: ApiConfig): Deps["settings"] {
  return {
    interfaceId: config.wireguard.interfaceId,
    applyTimeoutMs: config.wireguard.applyTimeoutMs,
    network: config.wireguard.plan.network,
    publicUrl: config.publicUrl,
    mailsAnHour: config.mail.anHour,
    policiesAMinute: config.policiesAMinute,
    docs: config.docs,
    apiPort: config.port,
    network6: config.wireguard.plan.six?.network ?? null,
    dns: config.wireguard.dns,
    refreshSeconds: config.tokens.refreshSeconds,
    sessionSeconds: config.tokens.sessionSeconds,
    trustedProxies: config.trustedProxies,
    allowedHosts: config.allowedHosts,
    corsOrigins: config.corsOrigins,
    hsts: config.hsts,
    slowRequestMs: config.slowRequestMs,
    backupMetrics: config.backupMetrics ?? null,
  };
}

async function namingSealer(
  [newest, ...older]: ApiConfig["encryptionKeys"],
  purpose: KeyPurpose,
): Promise<NamingSealer> {
  const old = await Promise.all(older.map((key) => deriveSubkey(key, purpose)));
  return await createNamingSealer([await deriveSubkey(newest, purpose), ...old]);
}

/** Where there is one: the library is 17 MB and a third of the start. */
async function openRedis(redis: NonNullable<ApiConfig["redis"]>, log: Logger) {
  const { connectRedis } = await import("./limits/redis.ts");
  return connectRedis(redis.url, { ...redis, log });
}

function mailTrouble({ transport, stats }: Postman): string | null {
  if (transport === "none") return "mail waits: there is neither SMTP_URL nor MAIL_FOLDER";
  return stats.lastFailure && `the last mail did not leave: ${stats.lastFailure.reason}`;
}

/** A server where one is named, else a folder; else mail waits. */
function transportOf({ smtp, folder, from }: ApiConfig["mail"]): Transport | null {
  if (smtp) return smtpTransport({ ...smtp, from });
  return folder === undefined ? null : fileTransport({ folder, from });
}

function ringOf({ keys, secret }: ApiConfig["tokens"]): Promise<KeyRing> {
  if (keys) return createKeyRing(keys.reveal());
  if (!secret) throw new TypeError("a configuration without a key to sign with");
  return ringOfSecret(secret).then(createKeyRing);
}

/**
 * @returns why the database does not answer, for as long as it does not
 * @throws {UnsafeRoleError} @throws {SchemaMismatchError} @throws {PermissionMismatchError}
 */
async function whyNotReady(pool: Pool): Promise<Error | undefined> {
  try {
    await checkSchema(pool);
    await checkPermissions(pool);
    return undefined;
  } catch (error) {
    const isFinal = [UnsafeRoleError, SchemaMismatchError, PermissionMismatchError]
      .some((kind) => error instanceof kind);
    if (isFinal || !(error instanceof Error)) throw error;
    return error;
  }
}
