import type { Context } from "hono";
import type { ReconcileResult } from "../../../wgd/protocol.ts";
import { WgdUnavailable } from "../../../wgd/client.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";

/**
 * Asks the daemon to look at these peers, or at everything, now and waits, within bounds, for its read-back. A daemon that does
 * not answer is no error: the change is committed, the daemon follows as soon as it can, and the status says so.
 */
export async function applyNow(
  deps: Pick<Deps, "wgd">,
  c: Context<AppEnv>,
  peerIds: string[] | "all",
): Promise<ReconcileResult | undefined> {
  try {
    return await deps.wgd.reconcile({
      ...(peerIds === "all" ? {} : { peer_ids: peerIds }),
      wait: true,
    });
  } catch (error) {
    if (!(error instanceof WgdUnavailable)) throw error;
    c.get("log").warn("the daemon did not confirm in time", {
      peer_ids: peerIds,
      reason: error.message,
    });
    return undefined;
  }
}
