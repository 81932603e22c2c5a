import type { Logger } from "../lib/log.ts";
import type { PeerIdentity } from "./database/lookups.ts";
import type { TenantId } from "./database/tenancy.ts";
import type { PendingToken } from "./auth/tokens.ts";
import type { LimitClass } from "./limits/limits.ts";
import type { Permission } from "./auth/permissions.ts";

/**
 * Where a connection was accepted. Only `tunnel` is reachable by others than the host's own users, and `scrape` by
 * whom the operator let reach it; an app of its own answers there.
 */
export type Listener = "tunnel" | "loopback" | "operator" | "scrape";

/** Who is asking, once proven. */
export type Principal =
  | { kind: "operator" }
  | {
    kind: "user";
    tenantId: TenantId;
    userId: number;
    sessionId: string;
    email: string;
    /** Names of the roles that he has at this moment. */
    roles: readonly string[];
    permissions: ReadonlySet<Permission>;
    /** When he last showed the strongest factor that he has, in ms since the Unix epoch. */
    steppedUpAt: number | null;
    /** What he is told of himself; read with the rest, where it costs next to nothing. */
    profile: {
      name: string;
      createdAt: Date;
      mfaEnabled: boolean;
      tenant: { id: number; slug: string; name: string };
    };
  }
  | {
    kind: "api_key";
    tenantId: TenantId;
    /** Who made the key, and in whose name it acts. */
    userId: number;
    apiKeyId: string;
    /** Requests a minute that its maker left it; null where the common limit is all. */
    quota: number | null;
    /** Its scopes, as far as its maker has them at this moment. */
    permissions: ReadonlySet<Permission>;
  };

/** A class of the configuration, or the limit of an API key itself. */
export type LimitedBy = LimitClass | "api-key" | "bulk" | "policy";

/** What Hono carries from the server and between the middlewares. */
export interface AppEnv {
  Bindings: {
    listener: Listener;
    /** The source address; null on a Unix socket. */
    address: string | null;
    /** The connection itself is TLS, ended by this process. */
    tls?: boolean;
  };
  Variables: {
    requestId: string;
    log: Logger;
    /** How the caller spoke, as far as this process or a trusted proxy knows. */
    scheme?: "http" | "https";
    /** Of the refusal that is answered. */
    problemCode?: string;
    /** The class of requests whose limit was reached. */
    limitedBy?: LimitedBy;
    /** An audit entry could not be written, and the change it was about was not made. */
    auditFailed?: boolean;
    /** The peer that the request came through; only on the tunnel. */
    peer?: PeerIdentity;
    principal?: Principal;
    /** A log-in that first needs a second factor to be set up; where those operations alone look for it. */
    pendingLogin?: PendingToken;
    /** The tenant this request works in, once proven. */
    tenantId?: TenantId;
  };
}
