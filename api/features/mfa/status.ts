import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access, userOf } from "../../middleware/access.ts";
import { jsonResponse, type Router, timestamp } from "../../openapi.ts";
import { attemptOf } from "./check_code.ts";
import { readLock } from "./attempts_store.ts";
import { readFactorFacts } from "./store.ts";

const status = z.object({
  enabled: z.boolean(),
  enabled_at: timestamp.nullable(),
  required: z.boolean().openapi({ description: "By the tenant, a role or for this user alone" }),
  recovery_codes_left: z.int(),
  locked_until: timestamp.nullable().openapi({
    description: "After failures in a row; for codes that come the way that this request came",
  }),
}).openapi("MfaStatus");

export function readStatus(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/status",
    operationId: "getFactorStatus",
    summary: "One's second factor",
    ...access(deps, null),
    responses: { 200: jsonResponse(status, "How it stands") },
  });
  router.openapi(route, async (c) => {
    const user = userOf(c);
    const { userId } = user;
    const at = new Date(deps.clock.now());
    const [facts, until] = await deps.tenancy.transaction(user.tenantId, async (sql) => [
      await readFactorFacts(sql, { userId, at }),
      await readLock(sql, { userId, way: attemptOf(c, user, "totp").way, at }),
    ]);
    return c.json({
      enabled: facts.enabled_at !== null,
      enabled_at: facts.enabled_at?.toISOString() ?? null,
      required: facts.required,
      recovery_codes_left: facts.codes_left,
      locked_until: until?.toISOString() ?? null,
    }, 200);
  });
}
