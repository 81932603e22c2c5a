import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import type { AppEnv } from "../../context.ts";
import { asTenantId } from "../../database/tenancy.ts";
import type { AuditAction } from "../../../lib/audit/actions.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, numericId, refusals, type Router } from "../../openapi.ts";
import { applyNow, areOff } from "../peers/mod.ts";
import { heldBeside } from "../sessions/mod.ts";
import { auditOfTenant } from "./audit_of_tenant.ts";
import { settledTenantSchema, viewTenant } from "./schemas.ts";
import {
  eraseTenant,
  readTenant,
  removeAllPeers,
  setTenantStatus,
  type SettledTenant,
} from "./store.ts";

const params = z.object({ id: numericId });

async function setStatus(
  deps: Deps,
  c: Context<AppEnv>,
  { id, status, action }: { id: number; status: "active" | "suspended"; action: AuditAction },
): Promise<SettledTenant> {
  return await heldBeside(
    deps,
    c.get("principal"),
    (hold) =>
      deps.platform.transaction(async (sql, enter) => {
        const tenant = await readTenant(sql, id, { lock: true });
        if (!tenant) throw new ApiError("not_found");
        // Its superadmins would shut themselves out with everybody else.
        if (tenant.is_platform) throw new ApiError("platform_stays");
        await setTenantStatus(sql, { id, status });
        const details = { status_before: tenant.status };
        await auditOfTenant(sql, enter, c, { tenant: id, action, details });
        if (status === "active") await hold();
        return { ...tenant, status };
      }),
  );
}

const suspended = z.object({
  tenant: settledTenantSchema,
  removed: z.boolean().openapi({ description: "The interface was read back without its peers" }),
  status: z.literal("revoking").exactOptional(),
});

export function suspendTenant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/suspend",
    operationId: "suspendTenant",
    summary: "Take a tenant's peers off the interface, and refuse its users",
    description: "Nothing is lost: sessions and peers go on when it is resumed.",
    ...access(deps, "platform.tenants"),
    request: { params },
    responses: {
      200: jsonResponse(suspended, "Done, and the interface was read back without its peers"),
      202: jsonResponse(suspended, "Committed, but the daemon has not confirmed yet"),
      ...refusals("platform_stays", "overtaken"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const row = await setStatus(deps, c, { id, status: "suspended", action: "tenant.suspend" });
    const tenant = viewTenant(row);
    return await areOff(deps, c, { tenantId: asTenantId(id) })
      ? c.json({ tenant, removed: true }, 200)
      : c.json({ tenant, removed: false, status: "revoking" as const }, 202);
  });
}

export function resumeTenant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/resume",
    operationId: "resumeTenant",
    summary: "Let a suspended tenant go on",
    ...access(deps, "platform.tenants"),
    request: { params },
    responses: {
      200: jsonResponse(settledTenantSchema, "The tenant"),
      ...refusals("platform_stays", "overtaken"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const row = await setStatus(deps, c, { id, status: "active", action: "tenant.resume" });
    await applyNow(deps, c, "all");
    return c.json(viewTenant(row), 200);
  });
}

export function deleteTenant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}",
    operationId: "deleteTenant",
    summary: "Remove a suspended tenant and all of its data but the audit log",
    description:
      "Its peers go first, for good. 202 means that the daemon has not proven yet that their keys are off the interface, and that nothing else is gone: ask again. Needs a step-up.",
    ...access(deps, "platform.tenants", { stepUp: true }),
    request: { params },
    responses: {
      200: jsonResponse(z.object({ removed: z.literal(true) }), "It is gone"),
      202: jsonResponse(
        z.object({ removed: z.literal(false), status: z.literal("revoking") }),
        "Its peers are on their way out, and everything else is still there",
      ),
      ...refusals("platform_stays", "tenant_not_suspended", "overtaken"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const tenantId = asTenantId(id);
    const pending = () => c.json({ removed: false as const, status: "revoking" as const }, 202);
    await deps.platform.transaction(async (sql, enter) => {
      const tenant = await readTenant(sql, id, { lock: false });
      removable(tenant);
      await auditOfTenant(sql, enter, c, { tenant: id, action: "tenant.remove_peers" });
    });
    if (!await deps.tenancy.transaction(tenantId, removeAllPeers)) {
      throw new ApiError("tenant_not_suspended");
    }
    if (!await areOff(deps, c, { tenantId })) return pending();
    const erased = await deps.platform.transaction(async (sql, enter) => {
      const tenant = removable(await readTenant(sql, id, { lock: true }));
      if (!await eraseTenant(sql, id)) return false;
      const { slug, name } = tenant;
      await auditOfTenant(sql, enter, c, {
        tenant: id,
        action: "tenant.delete",
        details: { slug, name },
      });
      return true;
    });
    return erased ? c.json({ removed: true as const }, 200) : pending();
  });
}

/** @throws {ApiError} `not_found`, `platform_stays`, `tenant_not_suspended` */
function removable(tenant: SettledTenant | undefined): SettledTenant {
  if (!tenant) throw new ApiError("not_found");
  if (tenant.is_platform) throw new ApiError("platform_stays");
  if (tenant.status !== "suspended") throw new ApiError("tenant_not_suspended");
  return tenant;
}
