import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { applyNow, waitForOthers } from "../peers/mod.ts";
import type { PolicyView } from "./schemas.ts";
import { policyWaitsElsewhere, readPolicy } from "./store.ts";

/** Waits, within bounds, for the daemons of the tenant's gateways, and reads what they say of its policy. */
export async function settle(
  deps: Pick<Deps, "wgd" | "tenancy" | "settings">,
  c: Context<AppEnv>,
  tenantId: TenantId,
): Promise<PolicyView> {
  const { interfaceId, applyTimeoutMs } = deps.settings;
  const until = performance.now() + applyTimeoutMs;
  await applyNow(deps, c, "all");
  await waitForOthers(deps, c, { until, waits: (sql) => policyWaitsElsewhere(sql, interfaceId) });
  return await deps.tenancy.transaction(tenantId, readPolicy);
}
