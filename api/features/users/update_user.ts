import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, changedFields, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { demandAllowance, queueAlert, whenAndWhere } from "../../mail/mod.ts";
import { access, refuseWithoutStepUp, tenantOf, userOf } from "../../middleware/access.ts";
import {
  email,
  jsonRequest,
  jsonResponse,
  numericId,
  refusals,
  type Router,
} from "../../openapi.ts";
import { askToVerify } from "../password_reset/mod.ts";
import { lockUser, refuseOverEqual, refuseOverMightier } from "../roles/mod.ts";
import { holdCaller } from "../sessions/mod.ts";
import { ownFields, userSchema } from "./schemas.ts";
import { readUser, updateUserRow, type UserRow } from "./store.ts";

const updateBody = z.strictObject({ email: email.exactOptional(), ...ownFields });
const updateOwnBody = z.strictObject(ownFields);

export function updateUser(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "put",
    path: "/{id}",
    operationId: "updateUser",
    summary: "Change a user",
    description:
      "Fields that are left out stay. Another address is unproven, and has to be verified again. Over users who may do more than the caller nobody decides. An address takes a step-up, and users.security where its user may do as much as the caller: a link for a new password would go there.",
    ...access(deps, "users.write"),
    request: { params: z.object({ id: numericId }), ...jsonRequest(updateBody) },
    responses: {
      200: jsonResponse(userSchema, "The user"),
      ...refusals(
        "grant_exceeds_own",
        "step_up_required",
        "email_taken",
        "last_admin",
        "too_many_mails",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const row = await change(deps, c, { tenantId: tenantOf(c), id, changes: c.req.valid("json") });
    return c.json(row, 200);
  });
}

export function updateOneself(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "put",
    path: "/me",
    operationId: "updateOneself",
    summary: "Change one's own name, language and phone number",
    description: "Fields that are left out stay. The address is an admin's to change.",
    ...access(deps, null),
    request: jsonRequest(updateOwnBody),
    responses: {
      200: jsonResponse(userSchema, "The caller"),
    },
  });
  router.openapi(route, async (c) => {
    const { tenantId, userId } = userOf(c);
    const row = await change(deps, c, { tenantId, id: userId, changes: c.req.valid("json") });
    return c.json(row, 200);
  });
}

async function change(
  deps: Deps,
  c: Context<AppEnv>,
  { tenantId, id, changes }: {
    tenantId: TenantId;
    id: number;
    changes: z.infer<typeof updateBody>;
  },
): Promise<UserRow> {
  const now = new Date(deps.clock.now());
  return await deps.tenancy.transaction(tenantId, async (sql) => {
    const before = await lockUser(sql, id) ? await readUser(sql, id, now) : undefined;
    if (!before) throw new ApiError("not_found");
    await refuseOverMightier(sql, c.get("principal"), { userId: id, now });
    if (changes.email !== undefined && changes.email !== before.email) {
      refuseWithoutStepUp(deps, c);
      await refuseOverEqual(sql, c.get("principal"), { userId: id, now });
    }
    await updateUserRow(sql, { ...before, ...changes });
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c),
      action: "user.update",
      outcome: "succeeded",
      target: { type: "user", id: String(id) },
      details: changedFields({ ...before }, changes),
    });
    const after = await readUser(sql, id, now);
    if (!after) throw new ApiError("not_found");
    if (after.email !== before.email) {
      await tellOfNewAddress(deps, c, sql, { tenantId, before, after });
      await holdCaller(sql, c.get("principal"));
    }
    return after;
  });
}

/** The new address has to be proven; the old one is told, in case that nobody there wanted it. */
async function tellOfNewAddress(
  deps: Deps,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, before, after }: { tenantId: TenantId; before: UserRow; after: UserRow },
): Promise<void> {
  const { id: userId, email, locale } = after;
  await demandAllowance(deps, { kind: "new_address", tenantId, to: email });
  await askToVerify(deps, sql, { tenantId, userId, email, locale });
  await queueAlert(deps, sql, {
    ...{ tenantId, userId, source: auditSource(c) },
    to: before.email,
    locale,
    template: "alert_email_changed",
    data: whenAndWhere(deps, c),
  });
}
