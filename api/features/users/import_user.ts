import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { bcryptHash } from "../../auth/bcrypt.ts";
import type { PlatformSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { email, jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { findRole, insertUserRole, refuseBeyondOwn } from "../roles/mod.ts";
import { heldBeside } from "../sessions/mod.ts";
import { locale, phone, roleName, userName } from "./schemas.ts";
import { insertUser, readUser } from "./store.ts";

const importBody = z.strictObject({
  email,
  name: userName.default(""),
  locale: locale.default("en"),
  phone: phone.default(null),
  role: roleName.default("user"),
  password_hash: z.string().length(60).regex(bcryptHash, "must be a bcrypt hash of cost 10 to 14"),
});

export function importUser(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/import",
    operationId: "importUser",
    summary: "Take a user over from another system, with the bcrypt hash of his password",
    description: "The log-in that proves the password replaces the hash.",
    ...access(deps, "platform.tenants"),
    request: { headers: idempotencyHeader, ...jsonRequest(importBody) },
    responses: {
      201: jsonResponse(
        z.object({
          user: z.object({ id: z.int(), email: z.string(), name: z.string(), role: z.string() }),
        }),
        "The user",
      ),
      ...refusals("grant_exceeds_own", "email_taken", "not_found", "tenant_required"),
    },
  });
  router.openapi(route, async (c) => {
    const { password_hash: passwordHash, ...body } = c.req.valid("json");
    const tenantId = tenantOf(c);
    const source = auditSource(c);
    // By the operator's role: that of tenants can store no hash but Argon2id.
    const key = await idempotencyKey(c);
    const make = async (sql: PlatformSql) => {
      const role = await findRole(sql, body.role);
      if (!role) throw invalidField("role", "unknown", "there is no such role");
      refuseBeyondOwn(c.get("principal"), role.permissions);
      const id = await insertUser(sql, { tenantId, passwordHash, ...body });
      await insertUserRole(sql, { tenantId, userId: id, roleId: role.id, by: source.userId });
      await writeAudit(sql, {
        tenantId,
        source,
        action: "user.import",
        outcome: "succeeded",
        target: { type: "user", id: String(id) },
        details: { email: body.email, role: body.role },
      });
      return id;
    };
    const now = deps.clock.now();
    const user = await heldBeside(
      deps,
      c.get("principal"),
      (hold) =>
        deps.platform.transaction(async (sql, enter) => {
          await enter(tenantId);
          const id = await createOnce(sql, key, {
            tenantId,
            now,
            make: () => make(sql),
            repeat: (earlier) => Promise.resolve(Number(earlier)),
            of: String,
          });
          await hold();
          return await readUser(sql, id, new Date(now));
        }),
    );
    // Of an earlier request, and deleted since.
    if (!user) throw new ApiError("not_found");
    const { id, email, name } = user;
    return c.json({ user: { id, email, name, role: body.role } }, 201);
  });
}
