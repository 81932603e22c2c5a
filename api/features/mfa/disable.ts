import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { whenAndWhere } from "../../mail/mod.ts";
import { access, userOf } from "../../middleware/access.ts";
import { limit } from "../../middleware/limit.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { lockUser } from "../roles/mod.ts";
import { endSessions } from "../sessions/mod.ts";
import { alertOwner } from "./alert_owner.ts";
import { checkCode, refusal } from "./check_code.ts";
import { anyCode } from "./schemas.ts";
import { deleteFactor, readFactorFacts, readPasswordHash } from "./store.ts";

export function disable(router: Router, deps: Deps): void {
  const { middleware, ...proven } = access(deps, null, { stepUp: true });
  const route = createRoute({
    method: "post",
    path: "/disable",
    operationId: "disableFactor",
    summary: "Take one's second factor away",
    description:
      "By password and code, an app's or a recovery code; as often as a log-in. All other sessions of the user end, and trust in devices. Where a second factor is demanded, `/mfa/setup` puts another in its place.",
    ...proven,
    // It costs a hash before anything of the code is counted.
    middleware: [...middleware, limit(deps, "login")],
    request: jsonRequest(z.strictObject({ password: z.string().min(1).max(1024), code: anyCode })),
    responses: {
      200: jsonResponse(z.object({ disabled: z.literal(true) }), "There is none any more"),
      ...refusals("invalid_credentials", "factor_unreadable", "mfa_not_enabled", "mfa_demanded"),
    },
  });
  router.openapi(route, async (c) => {
    const user = userOf(c);
    const { tenantId, userId } = user;
    const { password, code } = c.req.valid("json");
    const [account] = await deps.tenancy.query(tenantId, (sql) => readPasswordHash(sql, userId));
    const matches = await deps.hasher.verify(
      account?.password_hash ?? null,
      password,
      tenantId,
    );
    const checked = await deps.tenancy.transaction(tenantId, async (sql) => {
      const at = new Date(deps.clock.now());
      await lockUser(sql, userId);
      const facts = await readFactorFacts(sql, { userId, at });
      if (facts.enabled_at === null) throw new ApiError("mfa_not_enabled");
      if (facts.required) throw new ApiError("mfa_demanded");
      const checked = await checkCode(deps, c, sql, { user, code, and: matches });
      if (!checked.passed) return checked;
      await deleteFactor(sql, userId);
      const ended = await endSessions(sql, {
        userId,
        reason: "mfa_changed",
        at,
        except: user.sessionId,
      });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "mfa.disable",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
        details: { by: code.kind, sessions_ended: ended },
      });
      await alertOwner(deps, c, sql, user, {
        template: "alert_mfa_disabled",
        data: whenAndWhere(deps, c),
      });
      return checked;
    });
    if (!checked.passed) throw refusal(checked);
    return c.json({ disabled: true as const }, 200);
  });
}
