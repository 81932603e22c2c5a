import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { auditSource, writeAudit } from "../audit.ts";
import type { Permission } from "../auth/permissions.ts";
import type { AppEnv, Principal } from "../context.ts";
import type { Deps } from "../deps.ts";
import type { PeerIdentity } from "../database/lookups.ts";
import type { TenantId } from "../database/tenancy.ts";
import { ApiError } from "../errors.ts";
import type { LimitClass, Limits } from "../limits/limits.ts";
import { limit } from "./limit.ts";

export type AccessDeps = Pick<Deps, "tenancy" | "tokens" | "lookups" | "clock" | "limits">;

/** How old "last seen" may be before a request writes it anew: one write a session and minute, not one a request. */
const seenMs = 60_000;
/** How long a step-up lasts. */
export const stepUpMs = 5 * 60_000;

/**
 * What an operation asks of its caller, to be spread into its route: the middleware that proves the caller
 * and the entries of the OpenAPI document that say so.
 * @param permission null where being logged in is enough
 * @param options.stepUp the caller must have shown his strongest factor within the last five minutes
 */
export function access(
  deps: AccessDeps,
  permission: Permission | null,
  options: { stepUp?: boolean } = {},
) {
  return {
    security: [{ bearer: [] }],
    "x-permission": permission ?? "authenticated",
    ...(options.stepUp ? { "x-step-up": true } : {}),
    middleware: [
      limit(deps, "authenticated"),
      authenticate(deps),
      permit(permission),
      ...(options.stepUp ? [requireStepUp(deps)] : []),
    ],
  };
}

/** The operator proved himself by reaching his socket; everybody else must have done so just now. */
function requireStepUp({ clock }: Pick<AccessDeps, "clock">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const principal = c.get("principal");
    const at = principal?.kind === "user" ? principal.steppedUpAt : null;
    if (principal?.kind !== "operator" && (at === null || clock.now() - at > stepUpMs)) {
      throw new ApiError("step_up_required");
    }
    await next();
  });
}

/** For operations that carry no token. */
export const publicAccess = { security: [], "x-permission": "public" };

/** The same for those that cost something. */
export function limitedAccess(deps: { limits: Limits }, name: LimitClass) {
  return { ...publicAccess, middleware: [limit(deps, name)] };
}

function permit(permission: Permission | null) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const principal = c.get("principal");
    const holds = principal?.kind === "operator" ||
      (principal?.kind === "user" &&
        (permission === null || principal.permissions.has(permission)));
    if (!holds) throw new ApiError("forbidden");
    await next();
  });
}

function authenticate(deps: AccessDeps) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const header = c.req.header("authorization");
    if (header === undefined && c.env.listener === "operator") {
      c.set("principal", { kind: "operator" });
      await enterNamedTenant(deps, c);
    } else {
      const token = /^Bearer ([A-Za-z0-9_.-]{1,4096})$/i.exec(header ?? "")?.[1];
      if (!token) throw new ApiError("invalid_token");
      const { user, ownPeerOnly } = await findUser(deps, token);
      if (!fitsTunnel(c.get("peer"), { ...user, ownPeerOnly })) {
        await refuseTunnel(deps, c, { ...user, reason: "token of another owner" });
      }
      await holdToHeader(deps, c, user.tenantId);
      c.set("principal", user);
      c.set("tenantId", user.tenantId);
    }
    await next();
  });
}

/** The user behind an access token, as the database knows the session this very moment (A1). */
async function findUser(
  { tokens, tenancy, clock }: AccessDeps,
  token: string,
): Promise<{ user: Principal & { kind: "user" }; ownPeerOnly: boolean }> {
  const { tenantId, userId, sessionId } = await tokens.verifyAccess(token);
  const now = new Date(clock.now());
  const [row] = await tenancy.query(tenantId, (sql) =>
    sql<UserRow[]>`
      select u.email, s.stepped_up_at, s.last_seen_at, t.login_own_peer, permissions_of(u.id, ${now}) as permissions, array(
          select r.name from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
          where h.tenant_id = u.tenant_id and h.user_id = u.id and (h.expires_at is null or h.expires_at > ${now})
          order by r.name
        ) as roles
      from sessions s
      join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
      join tenants t on t.id = s.tenant_id
      where s.id = ${sessionId} and s.user_id = ${userId}
        and s.ended_at is null and s.expires_at > ${now}
        and u.status = 'active' and t.status = 'active'`);
  if (!row) throw new ApiError("invalid_token");
  if (now.getTime() - row.last_seen_at.getTime() > seenMs) {
    await tenancy.query(
      tenantId,
      (sql) =>
        sql`update sessions set last_seen_at = ${now} where id = ${sessionId} and last_seen_at < ${now}`,
    );
  }
  return {
    user: {
      kind: "user",
      tenantId,
      userId,
      sessionId,
      email: row.email,
      roles: row.roles,
      permissions: new Set(row.permissions),
      steppedUpAt: row.stepped_up_at?.getTime() ?? null,
    },
    ownPeerOnly: row.login_own_peer,
  };
}

interface UserRow {
  email: string;
  roles: string[];
  permissions: Permission[];
  stepped_up_at: Date | null;
  last_seen_at: Date;
  login_own_peer: boolean;
}

/**
 * A token works only through a peer of its tenant, and through an owned peer only for the owner (T10). Where the
 * tenant wants it, through nothing but a peer of its user's own: sessions opened elsewhere do not go on.
 */
export function fitsTunnel(
  peer: PeerIdentity | undefined,
  token: { tenantId: TenantId; userId: number; ownPeerOnly: boolean },
): boolean {
  if (token.ownPeerOnly) {
    return peer?.tenantId === token.tenantId && peer.userId === token.userId;
  }
  return !peer ||
    peer.tenantId === token.tenantId && (peer.userId === null || peer.userId === token.userId);
}

/**
 * Refuses with `wrong_tunnel` and leaves a record with the tenant whose peer it was; off the tunnel, with the
 * tenant that was asked for.
 */
export async function refuseTunnel(
  deps: Pick<Deps, "tenancy">,
  c: Context<AppEnv>,
  refused: { reason: string; tenantId?: TenantId | undefined; userId?: number },
): Promise<never> {
  const peer = c.get("peer");
  const tenantId = peer?.tenantId ?? refused.tenantId;
  if (tenantId !== undefined) {
    // Whose token it was is the affair of that user's own tenant.
    const named = refused.tenantId === tenantId && refused.userId !== undefined
      ? { user_id: refused.userId }
      : {};
    await deps.tenancy.transaction(tenantId, (sql) =>
      writeAudit(sql, {
        tenantId,
        source: { ...auditSource(c), actor: "anonymous", userId: null },
        action: "tunnel.refuse",
        outcome: "refused",
        ...(peer ? { target: { type: "peer", id: peer.peerId } } : {}),
        details: { reason: refused.reason, ...named },
      }));
  }
  throw new ApiError("wrong_tunnel");
}

async function holdToHeader(deps: AccessDeps, c: Context<AppEnv>, tenantId: TenantId) {
  const named = c.req.header("x-tenant-id");
  if (named === undefined) return;
  if (await deps.lookups.tenant(named) !== tenantId) throw new ApiError("tenant_mismatch");
}

async function enterNamedTenant(deps: AccessDeps, c: Context<AppEnv>): Promise<void> {
  const named = c.req.header("x-tenant-id");
  if (named === undefined) return;
  const tenantId = await deps.lookups.tenant(named);
  if (tenantId === undefined) {
    throw new ApiError("not_found", { detail: "there is no such tenant" });
  }
  c.set("tenantId", tenantId);
}

/**
 * The tenant that a call without a token names. On the tunnel it must be the peer's, and any other name,
 * known or not, is refused alike; elsewhere an unknown name gives undefined, for the caller to answer as wrong
 * credentials.
 */
export async function namedTenant(
  deps: Pick<Deps, "lookups" | "tenancy">,
  c: Context<AppEnv>,
): Promise<TenantId | undefined> {
  const named = c.req.header("x-tenant-id");
  if (!named) throw new ApiError("tenant_required");
  const tenantId = await deps.lookups.tenant(named);
  const peer = c.get("peer");
  if (peer && peer.tenantId !== tenantId) {
    await refuseTunnel(deps, c, { reason: "another tenant was named" });
  }
  return tenantId;
}

/** The user behind a token; the operator is no user of any tenant. @throws {ApiError} `forbidden` */
export function userOf(c: Context<AppEnv>): Principal & { kind: "user" } {
  const principal = c.get("principal");
  if (principal?.kind !== "user") throw new ApiError("forbidden");
  return principal;
}

/** The tenant an authenticated operation works in; the operator names it by header. */
export function tenantOf(c: Context<AppEnv>): TenantId {
  const tenantId = c.get("tenantId");
  if (tenantId === undefined) throw new ApiError("tenant_required");
  return tenantId;
}
