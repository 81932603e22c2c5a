import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import type { AuditAction } from "../../../lib/audit/actions.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, numericId, refusals, type Router } from "../../openapi.ts";
import { areOff } from "../peers/mod.ts";
import { lockUser, refuseOverMightier } from "../roles/mod.ts";
import { endSessions, holdCaller } from "../sessions/mod.ts";
import { userSchema } from "./schemas.ts";
import {
  deleteUserRow,
  listPeerIdsOf,
  readUser,
  setEmailVerified,
  setUserStatus,
  type UserRow,
} from "./store.ts";
import { removePeersOfUser } from "./drop_invitation.ts";

const params = z.object({ id: numericId });

/** Commits a decision over a user together with its audit entry. @returns what the decision gave */
async function decide<T>(
  deps: Deps,
  c: Context<AppEnv>,
  { id, action, apply }: {
    id: number;
    action: AuditAction;
    apply: (sql: TenantSql, user: UserRow) => Promise<T>;
  },
): Promise<T> {
  const tenantId = tenantOf(c);
  const now = new Date(deps.clock.now());
  return await deps.tenancy.transaction(tenantId, async (sql) => {
    const user = await lockUser(sql, id) ? await readUser(sql, id, now) : undefined;
    if (!user) throw new ApiError("not_found");
    await refuseOverMightier(sql, c.get("principal"), { userId: id, now });
    const result = await apply(sql, user);
    await writeAudit(sql, {
      tenantId,
      source: auditSource(c),
      action,
      outcome: "succeeded",
      target: { type: "user", id: String(id) },
      details: { email: user.email, status_before: user.status },
    });
    if (action === "user.activate") await holdCaller(sql, c.get("principal"));
    return result;
  });
}

/** The user as he is after the change. */
async function readAfter(deps: Deps, c: Context<AppEnv>, id: number) {
  const now = new Date(deps.clock.now());
  const user = await deps.tenancy.transaction(tenantOf(c), (sql) => readUser(sql, id, now));
  if (!user) throw new ApiError("not_found");
  return user;
}

function simpleChange(
  router: Router,
  deps: Deps,
  operation: {
    name: string;
    path: string;
    summary: string;
    action: AuditAction;
    apply: (sql: TenantSql, user: UserRow) => Promise<void>;
  },
): void {
  const { name, path, summary, action, apply } = operation;
  const route = createRoute({
    method: "post",
    path,
    operationId: name,
    summary,
    ...access(deps, "users.write"),
    request: { params },
    responses: {
      200: jsonResponse(userSchema, "The user"),
      ...refusals("grant_exceeds_own"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    await decide(deps, c, { id, action, apply });
    return c.json(await readAfter(deps, c, id), 200);
  });
}

export function verifyUser(router: Router, deps: Deps): void {
  simpleChange(router, deps, {
    name: "verifyUser",
    path: "/{id}/verify",
    summary: "Take a user's address as proven",
    action: "user.verify",
    apply: (sql, { id }) => setEmailVerified(sql, id, new Date(deps.clock.now())),
  });
}

export function activateUser(router: Router, deps: Deps): void {
  simpleChange(router, deps, {
    name: "activateUser",
    path: "/{id}/activate",
    summary: "Let a user in again; his peers return to the interface",
    action: "user.activate",
    apply: (sql, { id }) => setUserStatus(sql, { id, status: "active" }),
  });
}

const settled = z.object({
  user: userSchema,
  sessions_ended: z.int(),
  removed: z.boolean().openapi({ description: "The interface was read back without his peers" }),
  status: z.literal("revoking").exactOptional(),
});

export function deactivateUser(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/deactivate",
    operationId: "deactivateUser",
    summary: "End a user's sessions and tunnels, and let him in no more",
    ...access(deps, "users.write"),
    request: { params },
    responses: {
      200: jsonResponse(settled, "Done, and the interface was read back without his peers"),
      202: jsonResponse(settled, "Committed, but the daemon has not confirmed yet"),
      ...refusals("grant_exceeds_own", "last_admin", "overtaken"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { ended, peers } = await decide(deps, c, {
      id,
      action: "user.deactivate",
      apply: async (sql) => {
        await setUserStatus(sql, { id, status: "inactive" });
        const at = new Date(deps.clock.now());
        const ended = await endSessions(sql, { userId: id, reason: "deactivated", at });
        return { ended, peers: await listPeerIdsOf(sql, id) };
      },
    });
    const removed = await areOff(deps, c, { tenantId: tenantOf(c), ids: peers });
    const answer = { user: await readAfter(deps, c, id), sessions_ended: ended, removed };
    return removed ? c.json(answer, 200) : c.json({ ...answer, status: "revoking" as const }, 202);
  });
}

export function deleteUser(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}",
    operationId: "deleteUser",
    summary: "Remove a user for good, with sessions, API keys and peers",
    description: "The audit log keeps what he did. Needs a step-up.",
    ...access(deps, "users.write", { stepUp: true }),
    request: { params },
    responses: {
      200: jsonResponse(
        z.object({ removed: z.literal(true) }),
        "He is gone, and the interface was read back without his peers",
      ),
      202: jsonResponse(
        z.object({ removed: z.literal(false), status: z.literal("revoking") }),
        "He is gone, but the daemon has not confirmed yet that his peers are",
      ),
      ...refusals("grant_exceeds_own", "last_admin", "overtaken"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const peers = await decide(deps, c, {
      id,
      action: "user.delete",
      apply: async (sql) => {
        // First, and not last: the database removes nobody who is active, and keeps the last admin so.
        await setUserStatus(sql, { id, status: "inactive" });
        const peers = await removePeersOfUser(sql, id);
        await deleteUserRow(sql, id);
        return peers;
      },
    });
    return await areOff(deps, c, { tenantId: tenantOf(c), ids: peers })
      ? c.json({ removed: true as const }, 200)
      : c.json({ removed: false as const, status: "revoking" as const }, 202);
  });
}
