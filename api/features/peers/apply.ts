import type { Context } from "hono";
import { pauseFor } from "../../../lib/pause.ts";
import type { ReconcileResult } from "../../../wgd/protocol.ts";
import { WgdUnavailable } from "../../../wgd/client.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { tenantOf } from "../../middleware/access.ts";
import type { PeerView } from "./schemas.ts";
import type { PeerRef } from "./scope.ts";
import { waitsElsewhere } from "./store.ts";
import { readPeerAlone } from "./view_store.ts";

/**
 * Asks the daemon to look at these peers, or at everything, now and waits, within bounds, for its read-back. A daemon that does
 * not answer is no error: the change is committed, the daemon follows as soon as it can, and the status says so.
 */
export async function applyNow(
  deps: Pick<Deps, "wgd" | "tenancy" | "settings">,
  c: Context<AppEnv>,
  peerIds: string[] | "all",
): Promise<ReconcileResult | undefined> {
  const begun = performance.now();
  let result: ReconcileResult | undefined;
  try {
    result = await deps.wgd.reconcile({
      ...(peerIds === "all" ? {} : { peer_ids: peerIds }),
      wait: true,
    });
  } catch (error) {
    if (!(error instanceof WgdUnavailable)) throw error;
    c.get("log").warn("the daemon did not confirm in time", {
      peer_ids: peerIds,
      reason: error.message,
    });
  }
  if (peerIds !== "all" && (!result || result.absent.length > 0)) {
    const { interfaceId, applyTimeoutMs } = deps.settings;
    await waitForOthers(deps, c, {
      until: begun + applyTimeoutMs,
      waits: (sql) => waitsElsewhere(sql, { interfaceId, peerIds }),
    });
  }
  return result;
}

/**
 * The same for one peer that was changed, and what became of it.
 * @throws {ApiError} `not_found` where it is gone by now, or the caller's no longer
 */
export async function applyAndRead(
  deps: Pick<Deps, "wgd" | "tenancy" | "settings" | "clock">,
  c: Context<AppEnv>,
  ref: PeerRef,
): Promise<PeerView> {
  await applyNow(deps, c, [ref.id]);
  const now = new Date(deps.clock.now());
  const peer = await readPeerAlone(deps.tenancy, tenantOf(c), { ...ref, now });
  if (!peer) throw new ApiError("not_found");
  return peer;
}

const pauseMs = 50;

/**
 * Daemons of other gateways are told by the database and answer there. One that does not live is not waited for;
 * nor is anybody where the database says nothing, since what was asked for is committed.
 * @param until by performance.now()
 */
export async function waitForOthers(
  deps: Pick<Deps, "tenancy">,
  c: Context<AppEnv>,
  { until, waits }: { until: number; waits: (sql: TenantSql) => Promise<boolean> },
): Promise<void> {
  const tenantId = c.get("tenantId");
  if (tenantId === undefined) return;
  try {
    while (await deps.tenancy.transaction(tenantId, waits)) {
      if (performance.now() > until) return;
      await pauseFor(pauseMs);
    }
  } catch (error) {
    c.get("log").warn("other gateways could not be waited for", {
      reason: error instanceof Error ? error.message : "unknown",
    });
  }
}
