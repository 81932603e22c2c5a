import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit.ts";
import { generatePassword } from "../../auth/generate_password.ts";
import { asTenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { findRole, insertUserRole } from "../roles/mod.ts";
import { email, insertUser } from "../users/mod.ts";
import { tenantSchema } from "./schemas.ts";
import { insertTenant } from "./store.ts";

const createBody = z.strictObject({
  slug: z.string().regex(
    /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be a DNS label: letters, digits and hyphens, a letter first",
  ).openapi({ example: "acme" }),
  name: z.string().regex(
    /^[^\p{Cc}]{1,200}$/u,
    "must have 1 to 200 characters and no control characters",
  ),
  admin_email: email,
  is_platform: z.boolean().default(false),
});

export function createTenant(router: Router, deps: Deps): void {
  const create = createRoute({
    method: "post",
    path: "/",
    summary: "Create a tenant and its first admin",
    ...access(deps, "platform.tenants"),
    request: jsonRequest(createBody),
    responses: {
      201: jsonResponse(
        z.object({
          tenant: tenantSchema,
          admin: z.object({ id: z.int(), email: z.string(), password: z.string() }),
        }),
        "The tenant, and its admin's password, shown this once",
      ),
      ...refusals(401, 403, 409, 413, 415, 422, 429, 503),
    },
  });
  router.openapi(create, async (c) => {
    const body = c.req.valid("json");
    const password = generatePassword();
    const passwordHash = await deps.hasher.hash(password.reveal());
    const made = await deps.platform.transaction(async (sql, enter) => {
      const tenant = await insertTenant(sql, body);
      const tenantId = asTenantId(tenant.id);
      await enter(tenantId);
      const userId = await insertUser(sql, {
        tenantId,
        email: body.admin_email,
        passwordHash,
      });
      // Whoever runs the platform's own tenant runs the platform.
      for (const name of body.is_platform ? ["admin", "superadmin"] : ["admin"]) {
        const role = await findRole(sql, name);
        if (!role) throw new Error(`a tenant without the role ${name}`);
        await insertUserRole(sql, { tenantId, userId, roleId: role.id, by: null });
      }
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "tenant.create",
        outcome: "succeeded",
        target: { type: "tenant", id: String(tenant.id) },
        details: { slug: body.slug, admin_email: body.admin_email },
      });
      return { tenant, userId };
    });
    const admin = { id: made.userId, email: body.admin_email, password: password.reveal() };
    return c.json({
      tenant: { ...made.tenant, created_at: made.tenant.created_at.toISOString() },
      admin,
    }, 201);
  });
}
