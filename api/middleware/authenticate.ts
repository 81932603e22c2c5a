import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { errorFields } from "../../lib/log.ts";
import { auditSource, writeAudit } from "../audit/write_audit.ts";
import { findApiKey } from "../auth/api_key.ts";
import { understandOnce } from "../auth/understand_once.ts";
import { isPermission } from "../auth/permissions.ts";
import type { AppEnv, Principal } from "../context.ts";
import { translateDatabaseError } from "../database/errors.ts";
import type { TenantId } from "../database/tenancy.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../errors.ts";
import { fitsTunnel, refuseTunnel } from "./tunnel_rules.ts";

export type AuthenticationDeps = Pick<
  Deps,
  "tenancy" | "tokens" | "lookups" | "clock" | "apiKeyUsage" | "limits"
>;

/** How old "last seen" may be before a request writes it anew: one write a session and minute, not one a request. */
const seenMs = 60_000;

/** Proves who is asking: by an access token, by an API key, or by having reached the operator's socket. */
export function authenticate(deps: AuthenticationDeps) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const [bearer, key] = [c.req.header("authorization"), c.req.header("x-api-key")];
    // Two proofs at once would leave open whose request it is.
    if (bearer !== undefined && key !== undefined) throw new ApiError("invalid_token");
    if (key !== undefined) return await authenticateKey(deps, c, key, next);
    if (bearer === undefined && c.env.listener === "operator") {
      c.set("principal", { kind: "operator" });
      await enterNamedTenant(deps, c);
    } else {
      if (bearer === undefined || !/^Bearer /i.test(bearer)) throw new ApiError("invalid_token");
      // What stands there is looked at as a whole, where it is verified.
      const token = bearer.slice("Bearer ".length);
      const { user, ownPeerOnly, lastSeenAt } = await findUser(deps, token);
      if (!fitsTunnel(c.get("peer"), { ...user, ownPeerOnly })) {
        await refuseTunnel(deps, c, { ...user, reason: "token of another owner" });
      }
      await noteSeen(deps, c, user, lastSeenAt);
      await enter(deps, c, user);
    }
    await next();
  });
}

async function authenticateKey(
  deps: AuthenticationDeps,
  c: Context<AppEnv>,
  text: string,
  next: () => Promise<void>,
): Promise<void> {
  const key = await findApiKey(deps, text);
  if ("wrongSecretOf" in key) return await refuseWrongSecret(deps, c, key.wrongSecretOf);
  const peer = c.get("peer");
  const allowed = key.allowedPeers === null ||
    (peer !== undefined && key.allowedPeers.includes(peer.peerId));
  // Machines use peers without an owner, so a demand for users' own peers is not made of keys.
  if (!allowed || !fitsTunnel(peer, { ...key.principal, ownPeerOnly: false })) {
    await refuseTunnel(deps, c, { ...key.principal, reason: "API key of another owner or peer" });
  }
  await enter(deps, c, key.principal);
  await next();
  deps.apiKeyUsage.note(c, key.principal);
}

/** How many wrong secrets of one key are recorded in a minute: nobody is proven whom another limit would hold. */
const wrongSecretsNoted = 5;

/** Whose key is tried shows in the tenant's log: whoever has its prefix saw the key, or a list of them. */
async function refuseWrongSecret(
  { limits, tenancy }: AuthenticationDeps,
  c: Context<AppEnv>,
  { tenantId, apiKeyId }: { tenantId: TenantId; apiKeyId: string },
): Promise<never> {
  const state = await limits.consumeUpTo(wrongSecretsNoted, `wrong-secret/${apiKeyId}`);
  if (state.allowed) {
    await tenancy.transaction(tenantId, (sql) =>
      writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "access.refuse",
        outcome: "refused",
        target: { type: "api_key", id: apiKeyId },
        details: { code: "invalid_token" },
      }));
  }
  throw new ApiError("invalid_token");
}

async function enter(
  deps: AuthenticationDeps,
  c: Context<AppEnv>,
  principal: Exclude<Principal, { kind: "operator" }>,
): Promise<void> {
  await holdToHeader(deps, c, principal);
  c.set("principal", principal);
  c.set("tenantId", principal.tenantId);
}

interface FoundUser {
  user: Principal & { kind: "user" };
  ownPeerOnly: boolean;
  lastSeenAt: Date;
}

/**
 * The user behind an access token, as the database knows the session this very moment (A1).
 * @throws {ApiError} `invalid_token`
 */
export async function findUser(
  { tokens, tenancy, clock }: Pick<AuthenticationDeps, "tokens" | "tenancy" | "clock">,
  token: string,
): Promise<FoundUser> {
  const found = await findSession({ tenancy, clock }, await tokens.verifyAccess(token));
  if (!found) throw new ApiError("invalid_token");
  return found;
}

/** The user of a session, as long as it is good; for what goes on after its request was proven. */
export async function findSession(
  { tenancy, clock }: Pick<AuthenticationDeps, "tenancy" | "clock">,
  { tenantId, userId, sessionId }: { tenantId: TenantId; userId: number; sessionId: string },
): Promise<FoundUser | undefined> {
  const now = new Date(clock.now());
  const [row] = await tenancy.ask((sql) =>
    sql<UserRow[]>`
      select email, name, created_at, slug, tenant_name, stepped_up_at, last_seen_at, login_own_peer, mfa_enabled,
        array_to_string(grants, ',') as grants
      from session_proof(${tenantId}, ${sessionId}, ${userId}, ${now})`
  );
  return row && {
    user: {
      kind: "user",
      tenantId,
      userId,
      sessionId,
      email: row.email,
      ...rolesOf(row.grants),
      steppedUpAt: row.stepped_up_at?.getTime() ?? null,
      profile: {
        name: row.name,
        createdAt: row.created_at,
        mfaEnabled: row.mfa_enabled,
        tenant: { id: tenantId, slug: row.slug, name: row.tenant_name },
      },
    },
    ownPeerOnly: row.login_own_peer,
    lastSeenAt: row.last_seen_at,
  };
}

/**
 * Both in the order of their names, whatever order the roles came in. As many texts differ in a few hundred tenants as
 * are kept, since most users have a role of the system.
 */
const rolesOf = understandOnce((grants) => {
  const roles: string[] = [];
  const permitted: string[] = [];
  for (const grant of grants === "" ? [] : grants.split(",")) {
    const [name = "", ...permissions] = grant.split(" ");
    roles.push(name);
    permitted.push(...permissions);
  }
  // What this API does not know of yet is not its to permit.
  return {
    roles: roles.sort(),
    permissions: new Set(permitted.sort().filter(isPermission)),
  };
}, 256);

/** Where the database takes no writes, or somebody holds the session's row, the request itself may well be answered. */
async function noteSeen(
  { tenancy, clock }: AuthenticationDeps,
  c: Context<AppEnv>,
  { tenantId, sessionId }: FoundUser["user"],
  lastSeenAt: Date,
): Promise<void> {
  if (clock.now() - lastSeenAt.getTime() <= seenMs) return;
  const now = new Date(clock.now());
  try {
    await tenancy.query(
      tenantId,
      (sql) =>
        sql`update sessions set last_seen_at = ${now} where id = ${sessionId} and last_seen_at < ${now}`,
    );
  } catch (error) {
    if (!(error instanceof Error) || !translateDatabaseError(error)) throw error;
    c.get("log").debug("it is not noted that a session was used", errorFields(error));
  }
}

/** What `session_proof` answers, its roles as one text. */
export interface UserRow {
  email: string;
  name: string;
  created_at: Date;
  slug: string;
  tenant_name: string;
  mfa_enabled: boolean;
  /** Of each role its name, a word (`roles_name_is_a_word`), and what it permits, parted by blanks; roles by commas. */
  grants: string;
  stepped_up_at: Date | null;
  last_seen_at: Date;
  login_own_peer: boolean;
}

/**
 * A token names its tenant; a header must agree with it. For after the tunnel was asked: who comes through a peer
 * of that tenant and names another disagrees with the peer as well.
 * @throws {ApiError} `wrong_tunnel` on the tunnel, and an entry with it; `tenant_mismatch` elsewhere
 */
export async function holdToHeader(
  deps: Pick<Deps, "lookups" | "tenancy">,
  c: Context<AppEnv>,
  token: { tenantId: TenantId; userId: number },
): Promise<void> {
  const named = c.req.header("x-tenant-id");
  if (named === undefined || await deps.lookups.names(named, token.tenantId)) return;
  if (c.get("peer")) await refuseTunnel(deps, c, { ...token, reason: "another tenant was named" });
  throw new ApiError("tenant_mismatch");
}

async function enterNamedTenant(deps: AuthenticationDeps, c: Context<AppEnv>): Promise<void> {
  const named = c.req.header("x-tenant-id");
  if (named === undefined) return;
  const tenantId = await deps.lookups.tenant(named);
  if (tenantId === undefined) {
    throw new ApiError("not_found", { detail: "there is no such tenant" });
  }
  c.set("tenantId", tenantId);
}
