import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, userOf } from "../../middleware/access.ts";
import { jsonResponse, type Router, timestamp } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { deleteTrustedDevices, listTrustedDevices, type TrustedDeviceRow } from "./login_store.ts";

const device = z.object({
  id: z.uuid(),
  device_name: z.string(),
  user_agent: z.string(),
  peer_id: z.uuid().nullable().openapi({ description: "The peer it is trusted through" }),
  created_at: timestamp,
  expires_at: timestamp,
  last_used_at: timestamp.nullable(),
}).openapi("TrustedDevice");

function view(row: TrustedDeviceRow): z.infer<typeof device> {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    last_used_at: row.last_used_at?.toISOString() ?? null,
  };
}

export function listDevices(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/trusted-devices",
    operationId: "listTrustedDevices",
    summary: "Devices that log one in without a code, newest first",
    ...access(deps, null),
    request: { query: pageQuery(z.uuid()) },
    responses: {
      200: jsonResponse(pageOf(device), "A page of devices"),
    },
  });
  router.openapi(route, async (c) => {
    const user = userOf(c);
    const { limit, cursor } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(user.tenantId, (sql) =>
      listTrustedDevices(sql, {
        userId: user.userId,
        at: new Date(deps.clock.now()),
        before: cursor ?? null,
        limit: limit + 1,
      }));
    return c.json(page(rows, { limit, view, cursor: ({ id }) => id }), 200);
  });
}

export function distrustDevice(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/trusted-devices/{id}",
    operationId: "distrustDevice",
    summary: "Trust a device no longer",
    ...access(deps, null),
    request: { params: z.object({ id: z.uuid() }) },
    responses: {
      200: jsonResponse(z.object({ removed: z.literal(true) }), "It is asked for a code again"),
    },
  });
  router.openapi(route, async (c) => {
    const user = userOf(c);
    const { id } = c.req.valid("param");
    await deps.tenancy.transaction(user.tenantId, async (sql) => {
      if (await deleteTrustedDevices(sql, { userId: user.userId, id }) === 0) {
        throw new ApiError("not_found");
      }
      await writeAudit(sql, {
        tenantId: user.tenantId,
        source: auditSource(c),
        action: "mfa.distrust",
        outcome: "succeeded",
        target: { type: "trusted_device", id },
      });
    });
    return c.json({ removed: true as const }, 200);
  });
}
