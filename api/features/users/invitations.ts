import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { email, jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { areOff, placeRefusals } from "../peers/mod.ts";
import { findRole, refuseGrantBeyondOwn } from "../roles/mod.ts";
import { holdCaller } from "../sessions/mod.ts";
import { dropInvitation } from "./drop_invitation.ts";
import { findInvitation, listInvitations } from "./invitation_store.ts";
import {
  answerInvited,
  invitationChoice,
  invitationDelivery,
  invitationSchema,
  invite,
  invitedSchema,
  repeatInvitation,
  viewInvitation,
} from "./invite.ts";
import { locale, roleName, userName } from "./schemas.ts";

export function createInvitation(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/invitations",
    operationId: "createInvitation",
    summary: "Invite somebody to become a user",
    description:
      "Good for 24 hours, once. Its role cannot exceed what the inviter may do, and not at acceptance either.",
    ...access(deps, "users.write"),
    request: {
      headers: idempotencyHeader,
      ...jsonRequest(z.strictObject({
        email,
        name: userName.default(""),
        locale: locale.default("en"),
        role: roleName.default("user"),
        ...invitationChoice,
        delivery: invitationDelivery.default("mail"),
      })),
    },
    responses: {
      201: jsonResponse(invitedSchema, "The invitation"),
      ...refusals(
        "grant_exceeds_own",
        "email_taken",
        "already_invited",
        "too_many_mails",
        ...placeRefusals,
      ),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const key = await idempotencyKey(c);
    const invited = await deps.tenancy.transaction(tenantId, async (sql) => {
      const role = await findRole(sql, body.role);
      if (!role) throw invalidField("role", "unknown", "there is no such role");
      await refuseGrantBeyondOwn(sql, c.get("principal"), {
        wanted: role.permissions,
        until: null,
      });
      const invited = await createOnce(sql, key, {
        tenantId,
        now: deps.clock.now(),
        make: () => invite(deps, c, sql, { ...body, tenantId, role }),
        repeat: (id) => repeatInvitation(deps, c, sql, { tenantId, id }),
        of: ({ invitation }) => invitation.id,
      });
      await holdCaller(sql, c.get("principal"));
      return invited;
    });
    return c.json(await answerInvited(deps, c, { tenantId, invited }), 201);
  });
}

export function getInvitations(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/invitations",
    operationId: "listInvitations",
    summary: "Invitations that nobody accepted yet, newest first",
    ...access(deps, "users.read"),
    request: { query: pageQuery(z.uuid()) },
    responses: {
      200: jsonResponse(pageOf(invitationSchema), "A page of invitations"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => listInvitations(sql, { before: cursor ?? null, limit: limit + 1 }),
    );
    const now = deps.clock.now();
    return c.json(
      page(rows, { limit, view: (row) => viewInvitation(row, now), cursor: ({ id }) => id }),
      200,
    );
  });
}

export function withdrawInvitation(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/invitations/{id}",
    operationId: "withdrawInvitation",
    summary: "Withdraw an invitation and its enrolment peer",
    ...access(deps, "users.write"),
    request: { params: z.object({ id: z.uuid() }) },
    responses: {
      200: jsonResponse(
        z.object({ removed: z.literal(true) }),
        "It is gone, and the interface was read back without its peer",
      ),
      202: jsonResponse(
        z.object({ removed: z.literal(false), status: z.literal("revoking") }),
        "It is gone, but the daemon has not confirmed yet that its peer is",
      ),
      ...refusals("grant_exceeds_own"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const tenantId = tenantOf(c);
    const peer = await deps.tenancy.transaction(tenantId, async (sql) => {
      const invitation = await findInvitation(sql, { id });
      if (!invitation) throw new ApiError("not_found");
      const peer = await dropInvitation(sql, c.get("principal"), {
        invitation,
        at: new Date(deps.clock.now()),
      });
      // Withdrawn is what nobody accepted.
      if (peer === undefined) throw new ApiError("not_found");
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "user.withdraw_invitation",
        outcome: "succeeded",
        target: { type: "invitation", id: invitation.id },
        details: { email: invitation.email, role: invitation.role },
      });
      return peer;
    });
    return await areOff(deps, c, { tenantId, ids: peer === null ? [] : [peer] })
      ? c.json({ removed: true as const }, 200)
      : c.json({ removed: false as const, status: "revoking" as const }, 202);
  });
}
