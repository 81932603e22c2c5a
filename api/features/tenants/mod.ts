import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit.ts";
import { generatePassword } from "../../auth/generate_password.ts";
import { asTenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import {
  createRouter,
  jsonRequest,
  jsonResponse,
  refusals,
  type Router,
  timestamp,
} from "../../openapi.ts";
import { email } from "../auth/schemas.ts";
import { insertTenant, insertUser, listTenants } from "./store.ts";

export { insertUser };

const tenantSchema = z.object({
  id: z.int(),
  slug: z.string(),
  name: z.string(),
  status: z.enum(["active", "suspended"]),
  is_platform: z.boolean(),
  created_at: timestamp,
}).openapi("Tenant");

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

/** `/api/v1/tenants`, for the operator. */
export function tenantsFeature(deps: Deps): Router {
  const router = createRouter();
  const platformOnly = access(deps, "platform.tenants");

  const create = createRoute({
    method: "post",
    path: "/",
    summary: "Create a tenant and its first admin",
    ...platformOnly,
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
        role: "admin",
      });
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

  const list = createRoute({
    method: "get",
    path: "/",
    summary: "List tenants, oldest first",
    ...platformOnly,
    request: {
      query: z.object({
        limit: z.coerce.number().int().min(1).max(200).default(50),
        cursor: z.coerce.number().int().min(0).max(2 ** 31 - 1).optional(),
      }),
    },
    responses: {
      200: jsonResponse(
        z.object({ items: z.array(tenantSchema), next_cursor: z.string().nullable() }),
        "A page of tenants",
      ),
      ...refusals(401, 403, 422, 429, 503),
    },
  });
  router.openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await deps.platform.transaction((sql) =>
      listTenants(sql, { after: cursor ?? 0, limit: limit + 1 })
    );
    const items = rows.slice(0, limit).map((row) => ({
      ...row,
      created_at: row.created_at.toISOString(),
    }));
    const last = items.at(-1);
    return c.json(
      { items, next_cursor: rows.length > limit && last ? String(last.id) : null },
      200,
    );
  });
  return router;
}
