import { createRoute, z } from "@hono/zod-openapi";
import { auditSource } from "../../audit/write_audit.ts";
import { readPasswordRules } from "../../auth/password_rules.ts";
import { failuresUntilLock } from "../../auth/throttle.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { queueAlert, whenAndWhere } from "../../mail/mod.ts";
import { access, userOf } from "../../middleware/access.ts";
import { limit } from "../../middleware/limit.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { endSessions } from "../sessions/mod.ts";
import { finishAttempt, startAttempt } from "./login_attempt.ts";
import { readPersonal, replaceHash } from "./password_store.ts";
import { presentedPassword, proof } from "./schemas.ts";

export function changePassword(router: Router, deps: Deps): void {
  const { middleware, ...proven } = access(deps, null, { stepUp: true });
  const route = createRoute({
    method: "post",
    path: "/change-password",
    operationId: "changePassword",
    summary: "Change one's own password",
    description:
      "Ends every other session. A wrong current password counts, waits, has to show work (403 `challenge_required`) and locks as a failed log-in does.",
    ...proven,
    middleware: [...middleware, limit(deps, "login")],
    request: jsonRequest(z.strictObject({
      current_password: presentedPassword,
      new_password: presentedPassword,
      proof: proof.exactOptional(),
    })),
    responses: {
      200: jsonResponse(z.object({ sessions_ended: z.int() }), "How many others ended"),
      ...refusals("challenge_required", "invalid_credentials", "overtaken"),
    },
  });
  router.openapi(route, async (c) => {
    const { tenantId, userId, sessionId, email } = userOf(c);
    const { current_password, new_password, proof } = c.req.valid("json");
    const floor = deps.failureFloor.start();
    const attempt = await startAttempt(deps, c, { tenantId, email, proof });
    if (attempt.delayMs > 0) await deps.timer.pause(attempt.delayMs);
    const before = attempt.account?.password_hash ?? null;
    const matches = await deps.hasher.verify(before, current_password, tenantId) &&
      attempt.failures < failuresUntilLock;
    // Only who knows the current password learns what is wrong with the new one.
    const after = matches ? await hashOfNew() : "";
    const ended = await finishAttempt(deps, c, attempt, {
      matches,
      again() {
        throw new ApiError("overtaken");
      },
      action: "user.change_password",
      async succeed(sql, account) {
        await replaceHash(sql, { userId, before: account.password_hash, after });
        await queueAlert(deps, sql, {
          ...{ tenantId, userId, source: auditSource(c) },
          to: account.email,
          locale: account.locale,
          template: "alert_password_changed",
          data: whenAndWhere(deps, c),
        });
        return await endSessions(sql, {
          userId,
          reason: "password_changed",
          at: new Date(deps.clock.now()),
          except: sessionId,
        });
      },
    });
    if (ended === undefined) {
      await floor.wait(attempt.delayMs);
      throw new ApiError("invalid_credentials");
    }
    return c.json({ sessions_ended: ended }, 200);

    async function hashOfNew(): Promise<string> {
      if (new_password === current_password) {
        throw invalidField("new_password", "unchanged", "is the current one");
      }
      const [rules, personal] = await deps.tenancy.transaction(
        tenantId,
        async (sql) => [await readPasswordRules(sql), await readPersonal(sql, userId)] as const,
      );
      await deps.passwords.check(rules, new_password, { path: "new_password", personal });
      return await deps.hasher.hash(new_password, tenantId);
    }
  });
}
