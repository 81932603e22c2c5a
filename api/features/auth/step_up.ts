import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import type { AppEnv } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, type AccessDeps, stepUpMs, userOf } from "../../middleware/access.ts";
import { countSource } from "../../middleware/limit.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import {
  anyCode,
  type CheckDeps,
  readFactorFacts,
  steppedUp,
  stepUp as markSteppedUp,
  stepUpByCode,
} from "../mfa/mod.ts";
import { type AttemptDeps, finishAttempt, startAttempt } from "./login_attempt.ts";
import { presentedPassword, proof } from "./schemas.ts";

type StepUpDeps =
  & AccessDeps
  & CheckDeps
  & AttemptDeps
  & Pick<Deps, "hasher" | "failureFloor" | "timer">;

const body = z.strictObject({
  code: anyCode.exactOptional(),
  password: presentedPassword.exactOptional(),
  proof: proof.exactOptional(),
}).refine(({ code, password }) => (code === undefined) !== (password === undefined), {
  message: "give either code or password",
  path: ["code"],
});

export function stepUp(router: Router, deps: StepUpDeps): void {
  const route = createRoute({
    method: "post",
    path: "/step-up",
    operationId: "stepUp",
    summary: "Show one's strongest factor again, for what asks for it within the next five minutes",
    description:
      "Whoever has a second factor shows a code of it, or a recovery code; the password is for those who have none, and is taken as often as a log-in; a wrong one counts, waits, has to show work (403 `challenge_required`) and locks as a failed log-in does.",
    ...access(deps, null),
    "x-example": { request: { code: "492039" } },
    request: jsonRequest(body),
    responses: {
      200: jsonResponse(steppedUp, "The session counts as stepped up"),
      ...refusals(
        "invalid_credentials",
        "factor_unreadable",
        "step_up_required",
        "challenge_required",
        "mfa_not_enabled",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const { code, password = "", proof } = c.req.valid("json");
    return c.json(
      code
        ? await stepUpByCode(deps, c, code)
        : await stepUpByPassword(deps, c, { password, proof }),
      200,
    );
  });
}

async function stepUpByPassword(
  deps: StepUpDeps,
  c: Context<AppEnv>,
  { password, proof }: { password: string; proof: string | undefined },
) {
  await countSource(deps, c, "login");
  const { tenantId, userId, sessionId, email } = userOf(c);
  const now = deps.clock.now();
  const at = new Date(now);
  await deps.tenancy.transaction(tenantId, (sql) => refuseWithFactor(sql, { userId, at }));
  const floor = deps.failureFloor.start();
  const attempt = await startAttempt(deps, c, { tenantId, email, proof });
  if (attempt.delayMs > 0) await deps.timer.pause(attempt.delayMs);
  const matches = await deps.hasher.verify(
    attempt.account?.password_hash ?? null,
    password,
    tenantId,
  );
  const passed = await finishAttempt(deps, c, attempt, {
    matches,
    again: (hash) => deps.hasher.verify(hash, password, tenantId),
    action: "auth.step_up",
    async succeed(sql) {
      // Again, because one may have been set up while the password was looked at.
      await refuseWithFactor(sql, { userId, at });
      if (!await markSteppedUp(sql, { sessionId, userId, at })) throw new ApiError("invalid_token");
      return true;
    },
  });
  if (!passed) {
    await floor.wait(attempt.delayMs);
    throw new ApiError("invalid_credentials");
  }
  return {
    verified: true as const,
    stepped_up_until: new Date(now + stepUpMs).toISOString(),
    recovery_codes_left: 0,
  };
}

/** @throws {ApiError} `step_up_required` */
async function refuseWithFactor(sql: TenantSql, of: { userId: number; at: Date }): Promise<void> {
  const { enabled_at } = await readFactorFacts(sql, of);
  if (enabled_at !== null) {
    throw new ApiError("step_up_required", { detail: "your second factor is asked for" });
  }
}
