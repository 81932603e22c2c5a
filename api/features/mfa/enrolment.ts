import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../../context.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, type AccessDeps, userOf } from "../../middleware/access.ts";
import { holdToHeader } from "../../middleware/authenticate.ts";
import { jsonBody } from "../../middleware/body.ts";
import { limit } from "../../middleware/limit.ts";
import { fitsTunnel, refuseTunnel } from "../../middleware/tunnel_rules.ts";
import type { PendingLogin } from "./pending_login.ts";

/** Who sets a second factor up: somebody who is logged in, or who needs one to log in. */
export type Enrolling =
  | { tenantId: TenantId; userId: number; sessionId: string; pending: null }
  | { tenantId: TenantId; userId: number; sessionId: null; pending: PendingLogin };

/** For setting up: takes an access token as ever, or the token of a log-in that asked for it. */
export function enrolmentAccess(deps: AccessDeps, options: { stepUp?: boolean } = {}) {
  const usual = access(deps, null, options);
  const counted = limit(deps, "authenticated");
  return {
    ...usual,
    middleware: [
      readSetupToken(deps),
      // Nobody is proven yet, so it is the way that counts.
      whilePending((c, next) => counted(c, next)),
      whilePending(async (c, next) => {
        await holdSetupToken(deps, c);
        await next();
      }),
      whilePending(jsonBody),
      ...usual.middleware.map((inner) =>
        createMiddleware<AppEnv>((c, next) => c.get("pendingLogin") ? next() : inner(c, next))
      ),
    ],
  };
}

function whilePending(inner: MiddlewareHandler<AppEnv>) {
  return createMiddleware<AppEnv>((c, next) => c.get("pendingLogin") ? inner(c, next) : next());
}

/** As of every token: the tunnel first, then the header. */
async function holdSetupToken(
  deps: Pick<Deps, "lookups" | "tenancy">,
  c: Context<AppEnv>,
): Promise<void> {
  const token = c.get("pendingLogin");
  if (!token) return;
  if (!fitsTunnel(c.get("peer"), { ...token, ownPeerOnly: false })) {
    await refuseTunnel(deps, c, { ...token, reason: "log-in of another owner" });
  }
  await holdToHeader(deps, c, token);
}

function readSetupToken(deps: Pick<Deps, "tokens">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const [scheme, text, ...rest] = (c.req.header("authorization") ?? "").split(" ");
    const one = scheme?.toLowerCase() === "bearer" && text && rest.length === 0 &&
      c.req.header("x-api-key") === undefined;
    const token = one && await deps.tokens.verifyPending("mfa_setup", text).catch((error) => {
      if (error instanceof ApiError) return undefined;
      throw error;
    });
    if (token) c.set("pendingLogin", token);
    await next();
  });
}

export function enrollingOf(c: Context<AppEnv>): Enrolling {
  const token = c.get("pendingLogin");
  if (token) {
    const { tenantId, userId } = token;
    return { tenantId, userId, sessionId: null, pending: { ...token, kind: "mfa_setup" } };
  }
  const { tenantId, userId, sessionId } = userOf(c);
  return { tenantId, userId, sessionId, pending: null };
}
