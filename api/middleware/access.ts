import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Permission } from "../auth/permissions.ts";
import type { AppEnv, Principal } from "../context.ts";
import type { Deps } from "../deps.ts";
import type { TenantId } from "../database/tenancy.ts";
import { ApiError } from "../errors.ts";
import type { LimitClass, Limits } from "../limits/limits.ts";
import { auditRefusal } from "./audit_refusal.ts";
import { authenticate, type AuthenticationDeps } from "./authenticate.ts";
import { jsonBody } from "./body.ts";
import { limit, limitPrincipal } from "./limit.ts";
import { refuseTunnel } from "./tunnel_rules.ts";

export type AccessDeps = AuthenticationDeps;

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
    // An account is its user's own affair: what asks for no permission takes no API key.
    security: permission === null ? [{ bearer: [] }] : [{ bearer: [] }, { apiKey: [] }],
    "x-permission": permission ?? "authenticated",
    "x-rate-limit": "authenticated",
    ...(options.stepUp ? { "x-step-up": true } : {}),
    middleware: [
      authenticate(deps),
      limitPrincipal(deps),
      auditRefusal(deps),
      permit(permission),
      ...(options.stepUp ? [requireStepUp(deps)] : []),
      jsonBody,
    ],
  };
}

/** The operator proved himself by reaching his socket; everybody else must have done so just now. */
function requireStepUp(deps: Pick<AccessDeps, "clock">) {
  return createMiddleware<AppEnv>((c, next) => {
    refuseWithoutStepUp(deps, c);
    return next();
  });
}

/**
 * For what asks for a step-up by what it changes, where the rest of the operation does not.
 * @throws {ApiError} `step_up_required`
 */
export function refuseWithoutStepUp(
  { clock }: Pick<AccessDeps, "clock">,
  c: Context<AppEnv>,
): void {
  const principal = c.get("principal");
  const at = principal?.kind === "user" ? principal.steppedUpAt : null;
  if (principal?.kind !== "operator" && (at === null || clock.now() - at > stepUpMs)) {
    throw new ApiError("step_up_required");
  }
}

/** For operations that carry no token. */
export const publicAccess = { security: [], "x-permission": "public", "x-rate-limit": "none" };

/** The same for those that cost something. */
export function limitedAccess(
  deps: { limits: Limits },
  name: LimitClass,
  counted = limit(deps, name),
) {
  return { ...publicAccess, "x-rate-limit": name, middleware: [counted, jsonBody] };
}

function permit(permission: Permission | null) {
  return createMiddleware<AppEnv>((c, next) => {
    const principal = c.get("principal");
    const holds = principal?.kind === "operator" ||
      (permission === null
        ? principal?.kind === "user"
        : principal?.permissions.has(permission) === true);
    if (!holds) throw new ApiError("forbidden");
    return next();
  });
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
