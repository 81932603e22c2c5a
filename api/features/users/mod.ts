import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit.ts";
import { generatePassword } from "../../auth/generate_password.ts";
import type { Deps } from "../../deps.ts";
import { invalidField } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { createRouter, jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { findRole, insertUserRole, refuseBeyondOwn } from "../roles/mod.ts";
import { email } from "./schemas.ts";
import { insertUser } from "./store.ts";
import { unlockUser } from "./unlock_user.ts";

export { email, insertUser };

const createBody = z.strictObject({
  email,
  name: z.string().regex(/^[^\p{Cc}]{0,200}$/u, "must have no control characters").default(""),
  role: z.string().max(63).default("user").openapi({ description: "Name of a role of the tenant" }),
});

/** `/api/v1/users` */
export function usersFeature(deps: Deps): Router {
  const router = createRouter();
  unlockUser(router, deps);
  const create = createRoute({
    method: "post",
    path: "/",
    summary: "Create a user with a random password",
    ...access(deps, "users.write"),
    request: jsonRequest(createBody),
    responses: {
      201: jsonResponse(
        z.object({
          user: z.object({ id: z.int(), email: z.string(), name: z.string(), role: z.string() }),
          password: z.string(),
        }),
        "The user, and the password, shown this once",
      ),
      ...refusals(400, 401, 403, 409, 413, 415, 422, 429, 503),
    },
  });
  router.openapi(create, async (c) => {
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const password = generatePassword();
    const passwordHash = await deps.hasher.hash(password.reveal());
    const id = await deps.tenancy.transaction(tenantId, async (sql) => {
      const role = await findRole(sql, body.role);
      if (!role) throw invalidField("role", "unknown", "there is no such role");
      refuseBeyondOwn(c.get("principal"), role.permissions);
      const id = await insertUser(sql, { tenantId, passwordHash, ...body });
      const by = auditSource(c).userId;
      await insertUserRole(sql, { tenantId, userId: id, roleId: role.id, by });
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "user.create",
        outcome: "succeeded",
        target: { type: "user", id: String(id) },
        details: { email: body.email, role: body.role },
      });
      return id;
    });
    return c.json({ user: { id, ...body }, password: password.reveal() }, 201);
  });
  return router;
}
