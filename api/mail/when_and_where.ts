import type { Context } from "hono";
import type { AppEnv } from "../context.ts";
import type { Deps } from "../deps.ts";

/** What an alert tells of the moment: when it was, and the peer that the request came through, or its address. */
export function whenAndWhere({ clock }: Pick<Deps, "clock">, c: Context<AppEnv>) {
  const source = c.get("peer")?.peerId ?? c.env.address;
  return { at: new Date(clock.now()).toISOString(), source };
}
