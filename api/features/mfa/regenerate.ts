import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { newRecoveryCodes } from "../../auth/recovery_codes.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, userOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { alertOwner } from "./alert_owner.ts";
import { checkCode, refusal } from "./check_code.ts";
import { giveRecoveryCodes } from "./enable.ts";
import { recoveryCodes, totpCode } from "./schemas.ts";
import { readFactorFacts } from "./store.ts";

export function regenerate(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/recovery/regenerate",
    operationId: "regenerateRecoveryCodes",
    summary: "Get ten new recovery codes; all that there were end",
    ...access(deps, null, { stepUp: true }),
    request: jsonRequest(z.strictObject({ code: totpCode })),
    responses: {
      200: jsonResponse(z.object({ recovery_codes: recoveryCodes }), "The new codes"),
      ...refusals("invalid_credentials", "mfa_not_enabled", "factor_unreadable"),
    },
  });
  router.openapi(route, async (c) => {
    const user = userOf(c);
    const { tenantId, userId } = user;
    const { code } = c.req.valid("json");
    const codes = newRecoveryCodes();
    const checked = await deps.tenancy.transaction(tenantId, async (sql) => {
      const at = new Date(deps.clock.now());
      const facts = await readFactorFacts(sql, { userId, at });
      if (facts.enabled_at === null) throw new ApiError("mfa_not_enabled");
      const checked = await checkCode(deps, c, sql, { user, code });
      if (!checked.passed) return checked;
      await giveRecoveryCodes(deps, sql, user, codes);
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "mfa.regenerate",
        outcome: "succeeded",
        target: { type: "user", id: String(userId) },
        details: { unused_before: facts.codes_left },
      });
      await alertOwner(deps, c, sql, user, {
        template: "alert_new_recovery_codes",
        data: { at: at.toISOString() },
      });
      return checked;
    });
    if (!checked.passed) throw refusal(checked);
    return c.json({ recovery_codes: codes }, 200);
  });
}
