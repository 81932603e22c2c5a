import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { generatePassword } from "../../auth/generate_password.ts";
import type { AppEnv } from "../../context.ts";
import { asTenantId, type Enter, type PlatformSql, type TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { idempotencyHeader, type IdempotencyKey, idempotencyKey } from "../../idempotency.ts";
import { access } from "../../middleware/access.ts";
import { email, jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { placeRefusals } from "../peers/mod.ts";
import { findRole, insertUserRole } from "../roles/mod.ts";
import { heldBeside } from "../sessions/mod.ts";
import {
  answerInvited,
  findInvitation,
  insertUser,
  invitationChoice,
  invitationDelivery,
  invite,
  type Invited,
  invitedSchema,
  locale,
  repeatInvitation,
  userName,
} from "../users/mod.ts";
import { auditOfTenant } from "./audit_of_tenant.ts";
import { tenantName, tenantSchema, viewTenant } from "./schemas.ts";
import {
  creationBy,
  eraseTenant,
  findPlatformAdmin,
  finishTenant,
  insertTenant,
  lockUnfinished,
  noteCreation,
  type TenantRow,
} from "./store.ts";

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
    request: { headers: idempotencyHeader, ...jsonRequest(createBody) },
    responses: {
      201: jsonResponse(
        z.object({
          tenant: tenantSchema,
          invitation: invitation.nullable().openapi({
            description:
              "Null for the platform's own tenant, and in the answer to a repeated request once it was accepted or withdrawn",
          }),
          ...rest,
          admin: z.object({
            id: z.int(),
            email: z.string(),
            password: z.string().nullable().openapi({
              description: "Null in the answer to a repeated request",
            }),
          }).nullable()
            .openapi({ description: "Of the platform's own tenant; null for every other" }),
        }),
        "The tenant, its first admin's invitation and the enrolment peer; secrets are shown this once",
      ),
      ...refusals(
        "email_taken",
        "slug_taken",
        "overtaken",
        "platform_exists",
        ...placeRefusals,
      ),
    },
  });
  router.openapi(create, async (c) => {
    const body = c.req.valid("json");
    const key = await idempotencyKey(c);
    const password = generatePassword();
    const passwordHash = body.is_platform ? await deps.hasher.hash(password.reveal(), null) : null;
    const { tenant, admin } = await begin(deps, c, { body, key, passwordHash });
    if (body.is_platform) {
      const shown = admin && { ...admin, password: admin.made ? password.reveal() : null };
      return c.json({
        tenant: viewTenant(tenant),
        invitation: null,
        token: null,
        link: null,
        enrolment: null,
        admin: shown && { id: shown.id, email: body.admin_email, password: shown.password },
      }, 201);
    }
    const tenantId = asTenantId(tenant.id);
    const { invited, status } = await finish(deps, c, { tenant, body });
    const answer = invited
      ? await answerInvited(deps, c, { tenantId, invited })
      : { invitation: null, token: null, link: null, enrolment: null };
    return c.json({ tenant: viewTenant({ ...tenant, status }), ...answer, admin: null }, 201);
  });
}

type Body = z.infer<typeof createBody>;

/**
 * The first half: the tenant's row, by the platform's role, which makes neither peers nor mails. Until the second half
 * the tenant is unfinished: suspended, and found by nobody.
 */
async function begin(
  deps: Deps,
  c: Context<AppEnv>,
  { body, key, passwordHash }: {
    body: Body;
    key: IdempotencyKey | undefined;
    passwordHash: string | null;
  },
): Promise<{ tenant: TenantRow; admin: { id: number; made: boolean } | null }> {
  const now = new Date(deps.clock.now());
  return await heldBeside(
    deps,
    c.get("principal"),
    (hold) =>
      deps.platform.transaction(async (sql, enter) => {
        const begun = await make(sql, enter);
        await hold();
        return begun;
      }),
  );

  async function make(sql: PlatformSql, enter: Enter) {
    const earlier = key && await creationBy(sql, key, now);
    if (earlier) {
      if (!earlier.same) throw new ApiError("idempotency_key_reused");
      await enter(asTenantId(earlier.tenant.id));
      const id = await findPlatformAdmin(sql, body.admin_email);
      return { tenant: earlier.tenant, admin: id === undefined ? null : { id, made: false } };
    }
    for (const left of await lockUnfinished(sql, { slug: body.slug, now })) {
      await removeUnfinished(sql, enter, c, { tenant: left, reason: "its creation was cut off" });
    }
    const unfinishedSince = body.is_platform ? null : now;
    const tenant = await insertTenant(sql, { ...body, unfinishedSince });
    if (key) await noteCreation(sql, key, { tenantId: tenant.id, now });
    await auditOfTenant(sql, enter, c, {
      tenant: tenant.id,
      action: "tenant.create",
      details: { slug: body.slug, admin_email: body.admin_email },
    });
    if (passwordHash === null) return { tenant, admin: null };
    const id = await insertFirstAdmin(sql, asTenantId(tenant.id), {
      email: body.admin_email,
      passwordHash,
    });
    return { tenant, admin: { id, made: true } };
  }
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
 * The second half, the tenant's own transaction: it is finished with the invitation, or not at all. Where this fails
 * the tenant goes again; a crash leaves it unfinished, which a repetition of the key mends, and any other creation
 * takes away.
 * @returns no invitation where a repeated request finds the invitation accepted or withdrawn
 */
async function finish(
  deps: Deps,
  c: Context<AppEnv>,
  { tenant, body }: { tenant: TenantRow; body: Body },
): Promise<{ invited: Invited | null; status: TenantRow["status"] }> {
  const tenantId = asTenantId(tenant.id);
  try {
    return await deps.tenancy.transaction(tenantId, async (sql) => {
      const finished = await finishTenant(sql);
      if (!finished) throw new ApiError("overtaken");
      const { status, before } = finished;
      if (before) {
        const earlier = await findInvitation(sql, { email: body.admin_email });
        // One that the tenant made itself is its own.
        const invited = earlier?.invited_by === null
          ? await repeatInvitation(deps, c, sql, { tenantId, id: earlier.id })
          : null;
        return { invited, status };
      }
      const role = await findRole(sql, "admin");
      if (!role) throw new Error("a tenant without an admin's role");
      const invited = await invite(deps, c, sql, {
        tenantId,
        role,
        email: body.admin_email,
        name: body.admin_name,
        locale: body.locale,
        enrolment: body.enrolment,
        delivery: body.delivery,
      });
      return { invited, status };
    });
  } catch (error) {
    await deps.platform.transaction(async (sql, enter) => {
      for (const left of await lockUnfinished(sql, { id: tenant.id })) {
        await removeUnfinished(sql, enter, c, {
          tenant: left,
          reason: "its first admin could not be invited",
        });
      }
    });
    throw error;
  }
}

/** It never had users, peers or anything else that somebody could miss. */
async function removeUnfinished(
  sql: PlatformSql,
  enter: Enter,
  c: Context<AppEnv>,
  { tenant, reason }: { tenant: { id: number; slug: string }; reason: string },
): Promise<void> {
  await eraseTenant(sql, tenant.id);
  await auditOfTenant(sql, enter, c, {
    tenant: tenant.id,
    action: "tenant.delete",
    details: { slug: tenant.slug, reason },
  });
}
