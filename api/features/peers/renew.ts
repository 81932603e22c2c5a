import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { tenantOf } from "../../middleware/access.ts";
import { holdCaller } from "../sessions/mod.ts";
import { applyAndRead } from "./apply.ts";
import type { HandedOver } from "./hand_over.ts";
import { chooseType, holdToType, provisionResponse } from "./provision.ts";
import type { PeerView } from "./schemas.ts";
import { ownerOf, type PeerRef, type PeerScope } from "./scope.ts";
import { lockPeer } from "./store.ts";
import { readPeer } from "./view_store.ts";

/** A peer that gets new keys; its row is locked. */
export interface Renewal {
  sql: TenantSql;
  tenantId: TenantId;
  ref: PeerRef;
  /** As it is before. */
  peer: PeerView;
  /** Milliseconds since the Unix epoch. */
  now: number;
}

/** Locks the peer, has it renewed in one transaction, waits for the daemon, and answers with the client's new file. */
export async function renewPeer(
  deps: Deps,
  c: Context<AppEnv>,
  { id, scope, choice, renew }: {
    id: string;
    scope: PeerScope;
    choice: { public_key?: string | undefined; delivery: "inline" | "link" };
    renew: (renewal: Renewal) => Promise<HandedOver>;
  },
) {
  const tenantId = tenantOf(c);
  const ref = { id, owner: ownerOf(c, scope) };
  const type = chooseType(c, {
    ownKey: choice.public_key !== undefined,
    link: choice.delivery === "link",
  });
  const now = deps.clock.now();
  const { config, delivery } = await deps.tenancy.transaction(tenantId, async (sql) => {
    const locked = await lockPeer(sql, ref);
    const peer = locked && await readPeer(sql, ref, new Date(now));
    if (!peer) throw new ApiError("not_found");
    const made = await renew({ sql, tenantId, ref, peer, now });
    holdToType(type, made.config);
    await holdCaller(sql, c.get("principal"));
    return made;
  });
  const peer = await applyAndRead(deps, c, ref);
  return provisionResponse(c, { type, status: 200, peer, config, delivery });
}
