import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, stepUpMs, userOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router, timestamp } from "../../openapi.ts";
import { checkCode, type CheckDeps, refusal } from "./check_code.ts";
import { type Code, recoveryCode, totpCode } from "./schemas.ts";
import { readFactorFacts, stepUp } from "./store.ts";

export const steppedUp = z.object({
  verified: z.literal(true),
  stepped_up_until: timestamp.openapi({
    description: "What asks for a fresh factor asks for none until then",
  }),
  recovery_codes_left: z.int(),
}).openapi("SteppedUp");

const answers = {
  200: jsonResponse(steppedUp, "The code was right, and is used up"),
  ...refusals("invalid_credentials", "mfa_not_enabled", "factor_unreadable"),
};

export function verify(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/verify",
    operationId: "verifyCode",
    summary: "Show a code of the app",
    ...access(deps, null),
    request: jsonRequest(z.strictObject({ code: totpCode })),
    responses: answers,
  });
  router.openapi(
    route,
    async (c) => c.json(await stepUpByCode(deps, c, c.req.valid("json").code), 200),
  );
}

export function verifyRecoveryCode(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/recovery/verify",
    operationId: "verifyRecoveryCode",
    summary: "Show a recovery code, which uses it up",
    ...access(deps, null),
    request: jsonRequest(z.strictObject({ code: recoveryCode })),
    responses: answers,
  });
  router.openapi(
    route,
    async (c) => c.json(await stepUpByCode(deps, c, c.req.valid("json").code), 200),
  );
}

/** Lets the session of this request count as stepped up, for a code. @throws {ApiError} */
export async function stepUpByCode(
  deps: CheckDeps & Pick<Deps, "tenancy">,
  c: Context<AppEnv>,
  code: Code,
) {
  const user = userOf(c);
  const { tenantId, userId, sessionId } = user;
  const now = deps.clock.now();
  const at = new Date(now);
  const done = await deps.tenancy.transaction(tenantId, async (sql) => {
    const facts = await readFactorFacts(sql, { userId, at });
    if (facts.enabled_at === null) throw new ApiError("mfa_not_enabled");
    const checked = await checkCode(deps, c, sql, { user, code });
    if (!checked.passed) return checked;
    if (!await stepUp(sql, { sessionId, userId, at })) throw new ApiError("invalid_token");
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c),
      action: "auth.step_up",
      outcome: "succeeded",
      target: { type: "session", id: sessionId },
      details: { by: code.kind },
    });
    return { ...checked, left: facts.codes_left - (code.kind === "recovery" ? 1 : 0) };
  });
  if (!done.passed) throw refusal(done);
  return {
    verified: true as const,
    stepped_up_until: new Date(now + stepUpMs).toISOString(),
    recovery_codes_left: done.left,
  };
}
