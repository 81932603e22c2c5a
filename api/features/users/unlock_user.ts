import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, numericId, refusals, type Router } from "../../openapi.ts";
import { refuseOverMightier } from "../roles/mod.ts";
import { liftLoginLocks } from "../auth/mod.ts";
import { liftLocks } from "../mfa/mod.ts";
import { readEmail } from "./unlock_store.ts";

export function unlockUser(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/unlock",
    operationId: "unlockUser",
    summary:
      "Lift the locks that failed log-ins and codes put on a user, by whatever way they came",
    ...access(deps, "users.security"),
    request: { params: z.object({ id: numericId }) },
    responses: {
      200: jsonResponse(z.object({ id: z.int(), unlocked: z.literal(true) }), "Unlocked"),
      ...refusals("grant_exceeds_own"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const tenantId = tenantOf(c);
    const at = new Date(deps.clock.now());
    await deps.tenancy.transaction(tenantId, async (sql) => {
      const email = await readEmail(sql, id);
      if (email === undefined) throw new ApiError("not_found");
      // A lock keeps out whoever guesses: to lift it is a decision over its user.
      await refuseOverMightier(sql, c.get("principal"), { userId: id, now: at });
      const digest = await deps.identifierDigest(email);
      await liftLocks(sql, id);
      await liftLoginLocks(sql, { tenantId, digest, at });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "user.unlock",
        outcome: "succeeded",
        target: { type: "user", id: String(id) },
      });
    });
    return c.json({ id, unlocked: true as const }, 200);
  });
}
