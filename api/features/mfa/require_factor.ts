import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, changedFields, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, numericId, refusals, type Router } from "../../openapi.ts";
import { refuseBeyondOwn } from "../roles/mod.ts";
import { holdCaller } from "../sessions/mod.ts";
import { readSubject, setRequired } from "./store.ts";

const demand = z.object({
  required: z.boolean().openapi({
    description: "Of this user by himself; tenant and roles may demand it besides",
  }),
});

/** `PUT /users/{id}/mfa`, mounted there. */
export function requireFactor(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "put",
    path: "/{id}/mfa",
    operationId: "requireFactor",
    summary: "Demand a second factor of a user, or demand it no longer",
    description:
      "Whoever has none is refused from his next request on, and sets one up when he logs in.",
    ...access(deps, "users.security", { stepUp: true }),
    request: {
      params: z.object({ id: numericId }),
      ...jsonRequest(z.strictObject(demand.shape)),
    },
    responses: {
      200: jsonResponse(demand, "What is demanded"),
      ...refusals("grant_exceeds_own"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { required } = c.req.valid("json");
    const tenantId = tenantOf(c);
    await deps.tenancy.transaction(tenantId, async (sql) => {
      const subject = await readSubject(sql, { userId: id, at: new Date(deps.clock.now()) });
      if (!subject) throw new ApiError("not_found");
      const principal = c.get("principal");
      if (principal?.kind === "user" && principal.userId === id) {
        throw new ApiError("forbidden", {
          detail: "somebody else decides what is demanded of you",
        });
      }
      refuseBeyondOwn(principal, subject.permissions);
      await setRequired(sql, { userId: id, required });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "mfa.require",
        outcome: "succeeded",
        target: { type: "user", id: String(id) },
        details: changedFields({ required: subject.required }, { required }),
      });
      await holdCaller(sql, principal);
    });
    return c.json({ required }, 200);
  });
}
