import type { Context } from "hono";
import { createRoute } from "@hono/zod-openapi";
import { auditSource, changedFields, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, refuseWithoutStepUp, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { checkResolvers, readGateway, requireGateway } from "../peers/mod.ts";
import { holdCaller } from "../sessions/mod.ts";
import { currentTenant, updateTenantBody } from "./schemas.ts";
import {
  type CurrentTenantRow,
  distrustAll,
  readCurrentTenant,
  updateCurrentTenantRow,
} from "./store.ts";

/** Of whom a second factor is demanded, the fewest first. */
const demands: readonly CurrentTenantRow["mfa_required"][] = ["off", "admins", "all"];

const answer = jsonResponse(currentTenant, "The tenant and its settings");

export function getCurrentTenant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/current",
    operationId: "getCurrentTenant",
    summary: "The caller's tenant and its settings",
    ...access(deps, "tenant.read"),
    responses: { 200: answer },
  });
  router.openapi(route, async (c) => c.json(await viewCurrent(deps, c), 200));
}

export function updateCurrentTenant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "patch",
    path: "/current",
    operationId: "updateCurrentTenant",
    summary: "Change the settings of the caller's tenant",
    description:
      "Fields that are left out stay; null puts a field back to its default. To demand a second factor of fewer users takes a step-up; of whom it is demanded and who has none is refused from his next request on, and sets one up when he logs in.",
    ...access(deps, "tenant.write"),
    request: jsonRequest(updateTenantBody),
    responses: {
      200: answer,
      ...refusals("step_up_required", "gateway_not_ready"),
    },
  });
  router.openapi(route, async (c) => {
    const { wireguard, ...settings } = c.req.valid("json");
    const changes = { ...wireguard, ...settings };
    const tenantId = tenantOf(c);
    await deps.tenancy.transaction(tenantId, async (sql) => {
      const before = await readCurrentTenant(sql, { lock: true });
      if (!before) throw new ApiError("not_found");
      const after = { ...before, ...changes };
      if (demands.indexOf(after.mfa_required) < demands.indexOf(before.mfa_required)) {
        refuseWithoutStepUp(deps, c);
      }
      if (changes.dns !== undefined || changes.client_allowed_ips !== undefined) {
        const gateway = requireGateway(await readGateway(sql, deps.settings.interfaceId));
        checkResolvers(gateway, after, "wireguard.dns");
      }
      await updateCurrentTenantRow(sql, after);
      // Switched on again too: a log-in beside the switching off may have left one.
      if (after.mfa_trusted_devices !== before.mfa_trusted_devices) await distrustAll(sql);
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "tenant.update",
        outcome: "succeeded",
        target: { type: "tenant", id: String(tenantId) },
        details: changedFields({ ...before }, changes),
      });
      await holdCaller(sql, c.get("principal"));
    });
    return c.json(await viewCurrent(deps, c), 200);
  });
}

async function viewCurrent(deps: Deps, c: Context<AppEnv>) {
  const row = await deps.tenancy.transaction(
    tenantOf(c),
    (sql) => readCurrentTenant(sql, { lock: false }),
  );
  if (!row) throw new ApiError("not_found");
  return view(row);
}

function view(row: CurrentTenantRow) {
  const { client_allowed_ips, dns, mtu, persistent_keepalive, gateway_id, created_at, ...rest } =
    row;
  return {
    ...rest,
    created_at: created_at.toISOString(),
    wireguard: { client_allowed_ips, dns, mtu, persistent_keepalive, gateway_id },
  };
}
