import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { Network } from "../lib/network.ts";
import type { SocketClient } from "../lib/socket_client.ts";
import type { NamingSealer, SealRing } from "../lib/seal_ring.ts";
import type { WgdClient } from "../wgd/client.ts";
import type { ApiKeyUsage } from "./auth/api_key_usage.ts";
import type { Challenge } from "./auth/challenge.ts";
import type { FailureCounters } from "./auth/failure_counters.ts";
import type { FailureFloor, Timer } from "./auth/failure_floor.ts";
import type { PasswordHasher } from "./auth/password_hash.ts";
import type { PasswordChecks } from "./auth/password_rules.ts";
import type { RecoveryDigests } from "./auth/recovery_codes.ts";
import type { Tokens } from "./auth/tokens.ts";
import type { Pool } from "./database/pool.ts";
import type { Hsts } from "./middleware/security_headers.ts";
import type { Lookups } from "./database/lookups.ts";
import type { Health } from "./process/health.ts";
import type { Infrastructure } from "./features/tunnel_policy/infrastructure.ts";
import type { Limits } from "./limits/limits.ts";
import type { Redis } from "./limits/redis.ts";
import type { Meters } from "./process/meters.ts";
import type { Postman } from "./mail/postman.ts";
import type { Platform, Tenancy } from "./database/tenancy.ts";

/** What operations are made of. Each names the few it uses. */
export interface Deps {
  env: "dev" | "prod";
  version: string;
  clock: Clock;
  timer: Timer;
  log: Logger;
  tenancy: Tenancy;
  platform: Platform;
  lookups: Lookups;
  limits: Limits;
  /** Null where REDIS_URL is not set. */
  redis: Redis | null;
  hasher: PasswordHasher;
  passwords: PasswordChecks;
  tokens: Tokens;
  apiKeyUsage: ApiKeyUsage;
  failureFloor: FailureFloor;
  failureCounters: FailureCounters;
  /** What an attempt after failures has to show; null where the operator asks for nothing. */
  challenge: Challenge | null;
  /**
   * Names a submitted identifier in the record of log-ins without storing it, under a key that is not in the database.
   * Accounts that do not exist are counted the same way.
   */
  identifierDigest: (identifier: string) => Promise<Uint8Array>;
  presharedKeys: NamingSealer;
  /** Seals mails that wait to be sent. */
  letters: NamingSealer;
  /** The secrets of second factors, and what recovery codes are known by. */
  mfa: { secrets: SealRing; codes: RecoveryDigests };
  postman: Postman;
  wgd: WgdClient;
  /** The sealer of the audit log: its status and metrics. */
  sealer: SocketClient;
  /** What no tenant is led into. */
  infrastructure: Infrastructure;
  health: Health;
  meters: Meters;
  /** Of each pool of database connections, by name. */
  pools: () => Record<string, Pool["stats"]>;
  settings: {
    interfaceId: number;
    /** How long an answer waits for a daemon. */
    applyTimeoutMs: number;
    /** CIDR of the tunnel. */
    network: string;
    /** Origin that links in mails lead to, such as `http://10.10.0.1:8000`. */
    publicUrl: string;
    /** Mails of one kind that leave for one tenant in an hour. */
    mailsAnHour: number;
    /** Changes of its policy that a tenant makes in a minute. */
    policiesAMinute: number;
    /** Whether `/docs` is served. */
    docs: boolean;
    /** TCP port of the API inside the tunnel. */
    apiPort: number;
    /** CIDR of its IPv6 side; null where it has none. */
    network6: string | null;
    /** Written into clients' files where a peer sets none of its own. */
    dns: readonly string[];
    refreshSeconds: number;
    sessionSeconds: number;
    /** Whose word on the source address is believed. */
    trustedProxies: readonly Network[];
    /** The names that the API answers to, as `hostOf` writes them. */
    allowedHosts: ReadonlySet<string>;
    /** Whose pages may read answers. */
    corsOrigins: readonly string[];
    hsts: Hsts;
    /** From when on a request is logged as slow. */
    slowRequestMs: number;
    /** The file in which a backup says when it was made; null where this process sees none. */
    backupMetrics: string | null;
  };
}
