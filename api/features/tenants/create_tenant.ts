import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { generatePassword } from "../../auth/generate_password.ts";
import type { AppEnv } from "../../context.ts";
import { asTenantId, type PlatformSql, type TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { findRole, insertUserRole } from "../roles/mod.ts";
import {
  answerInvited,
  email,
  insertUser,
  invitationChoice,
  invitationDelivery,
  invite,
  type Invited,
  invitedSchema,
  locale,
  userName,
} from "../users/mod.ts";
import { auditOfTenant } from "./platform_audit.ts";
import { tenantName, tenantSchema, viewTenant } from "./schemas.ts";
import { eraseTenant, insertTenant, setTenantStatus, type TenantRow } from "./store.ts";

const createBody = z.strictObject({
  slug: z.string().max(63).regex(
    /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be a DNS label: letters, digits and hyphens, a letter first",
  ).openapi({ example: "acme" }),
  name: tenantName,
  admin_email: email,
  admin_name: userName.default(""),
  locale: locale.default("en"),
  ...invitationChoice,
  delivery: invitationDelivery.default("inline"),
  is_platform: z.boolean().default(false).openapi({
    description:
      "The first tenant, of whoever runs the installation: its admin gets a password at once, because nobody is there to invite him",
  }),
});

const { invitation, ...rest } = invitedSchema.shape;

export function createTenant(router: Router, deps: Deps): void {
  const create = createRoute({
    method: "post",
    path: "/",
    operationId: "createTenant",
    summary: "Create a tenant, and invite its first admin",
    ...access(deps, "platform.tenants"),
    request: jsonRequest(createBody),
    responses: {
      201: jsonResponse(
        z.object({
          tenant: tenantSchema,
          invitation: invitation.nullable(),
          ...rest,
          admin: z.object({ id: z.int(), email: z.string(), password: z.string() }).nullable()
            .openapi({ description: "Of the platform's own tenant; null for every other" }),
        }),
        "The tenant, its first admin's invitation and the enrolment peer; secrets are shown this once",
      ),
      ...refusals(
        "email_taken",
        "slug_taken",
        "platform_exists",
        "quota_exceeded",
        "pool_exhausted",
        "gateway_not_ready",
      ),
    },
  });
  router.openapi(create, async (c) => {
    const body = c.req.valid("json");
    const password = generatePassword();
    const passwordHash = body.is_platform ? await deps.hasher.hash(password.reveal()) : null;
    const { tenant, adminId } = await deps.platform.transaction(async (sql, enter) => {
      const tenant = await insertTenant(sql, body);
      await auditOfTenant(sql, enter, c, {
        tenant: tenant.id,
        action: "tenant.create",
        details: { slug: body.slug, admin_email: body.admin_email },
      });
      const adminId = passwordHash === null
        ? null
        : await insertFirstAdmin(sql, asTenantId(tenant.id), {
          email: body.admin_email,
          passwordHash,
        });
      return { tenant, adminId };
    });
    if (adminId !== null) {
      return c.json({
        tenant: viewTenant(tenant),
        invitation: null,
        token: null,
        link: null,
        enrolment: null,
        admin: { id: adminId, email: body.admin_email, password: password.reveal() },
      }, 201);
    }
    const tenantId = asTenantId(tenant.id);
    const invited = await inviteAdmin(deps, c, { tenant, body });
    const answer = await answerInvited(deps, c, { tenantId, invited });
    return c.json({ tenant: viewTenant(tenant), ...answer, admin: null }, 201);
  });
}

/** Whoever runs the platform's own tenant runs the platform. */
async function insertFirstAdmin(
  sql: PlatformSql,
  tenantId: TenantId,
  admin: { email: string; passwordHash: string },
): Promise<number> {
  const userId = await insertUser(sql, { tenantId, ...admin });
  for (const name of ["admin", "superadmin"]) {
    const role = await findRole(sql, name);
    if (!role) throw new Error(`a tenant without the role ${name}`);
    await insertUserRole(sql, { tenantId, userId, roleId: role.id, by: null });
  }
  return userId;
}

/**
 * The tenant's own transaction: the platform's role makes neither peers nor mails. Where it fails, the tenant goes
 * again; a crash in between leaves one without users, which can be removed, or its admin invited.
 */
async function inviteAdmin(
  deps: Deps,
  c: Context<AppEnv>,
  { tenant, body }: { tenant: TenantRow; body: z.infer<typeof createBody> },
): Promise<Invited> {
  const tenantId = asTenantId(tenant.id);
  try {
    return await deps.tenancy.transaction(tenantId, async (sql) => {
      const role = await findRole(sql, "admin");
      if (!role) throw new Error("a tenant without an admin's role");
      return await invite(deps, c, sql, {
        tenantId,
        role,
        email: body.admin_email,
        name: body.admin_name,
        locale: body.locale,
        enrolment: body.enrolment,
        delivery: body.delivery,
      });
    });
  } catch (error) {
    await deps.platform.transaction(async (sql, enter) => {
      await setTenantStatus(sql, { id: tenant.id, status: "suspended" });
      await eraseTenant(sql, tenant.id);
      await auditOfTenant(sql, enter, c, {
        tenant: tenant.id,
        action: "tenant.delete",
        details: { slug: tenant.slug, reason: "its first admin could not be invited" },
      });
    });
    throw error;
  }
}
