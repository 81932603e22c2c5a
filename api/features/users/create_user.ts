import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit.ts";
import { generatePassword } from "../../auth/generate_password.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { findRole, insertUserRole, refuseGrantBeyondOwn } from "../roles/mod.ts";
import { dropInvitationOf } from "./drop_invitation.ts";
import { email, locale, phone, roleName, userName, userSchema, viewUser } from "./schemas.ts";
import { insertUser, readUser } from "./store.ts";

const createBody = z.strictObject({
  email,
  name: userName.default(""),
  locale: locale.default("en"),
  phone: phone.default(null),
  role: roleName.default("user"),
});

export function createUser(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/",
    operationId: "createUser",
    summary: "Create a user with a random password",
    description: "An invitation of the same address is withdrawn.",
    ...access(deps, "users.write"),
    request: jsonRequest(createBody),
    responses: {
      201: jsonResponse(
        z.object({ user: userSchema, password: z.string() }),
        "The user, and the password, shown this once",
      ),
      ...refusals("grant_exceeds_own", "email_taken"),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const principal = c.get("principal");
    const source = auditSource(c);
    const password = generatePassword();
    const passwordHash = await deps.hasher.hash(password.reveal());
    const now = new Date(deps.clock.now());
    const made = await deps.tenancy.transaction(tenantId, async (sql) => {
      const role = await findRole(sql, body.role);
      if (!role) throw invalidField("role", "unknown", "there is no such role");
      await refuseGrantBeyondOwn(sql, principal, { wanted: role.permissions, until: null });
      await dropInvitationOf(sql, principal, body.email);
      const id = await insertUser(sql, { tenantId, passwordHash, ...body });
      await insertUserRole(sql, { tenantId, userId: id, roleId: role.id, by: source.userId });
      await writeAudit(sql, {
        tenantId,
        source,
        action: "user.create",
        outcome: "succeeded",
        target: { type: "user", id: String(id) },
        details: { email: body.email, role: body.role },
      });
      return await readUser(sql, id, now);
    });
    if (!made) throw new ApiError("not_found");
    c.header("Location", `/api/v1/users/${made.id}`);
    return c.json({ user: viewUser(made), password: password.reveal() }, 201);
  });
}
