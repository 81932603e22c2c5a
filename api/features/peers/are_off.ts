import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { applyNow } from "./apply.ts";
import { countPeers } from "./view_store.ts";

/** What the daemon takes at a time. */
const mostIds = 1000;

/**
 * After a commit that takes peers off: has the daemon follow, and says whether the interface was read back
 * without them.
 * @param which.ids the peers; all of the tenant where there are none
 * @throws {ApiError} `overtaken` where somebody wants one of them on the interface again
 */
export async function areOff(
  deps: Pick<Deps, "wgd" | "tenancy" | "clock" | "settings">,
  c: Context<AppEnv>,
  { tenantId, ids }: { tenantId: TenantId; ids?: readonly string[] },
): Promise<boolean> {
  if (ids?.length === 0) return true;
  const named = ids && ids.length <= mostIds ? [...ids] : "all";
  const result = await applyNow(deps, c, named);
  if (ids && result && ids.every((id) => result.removed.includes(id))) return true;
  // A row that is gone is a proof as well: the daemon alone deletes one, after the read-back.
  const counts = await deps.tenancy.transaction(
    tenantId,
    (sql) => countPeers(sql, new Date(deps.clock.now()), { ids }),
  );
  if (counts.desired > 0) {
    throw new ApiError("overtaken", { detail: "peers were put back meanwhile" });
  }
  return counts.revoking === 0;
}
