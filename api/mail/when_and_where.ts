import type { Context } from "hono";
import type { AppEnv } from "../context.ts";
import type { Deps } from "../deps.ts";

/** What an alert tells of the moment: when it was, and the address that the request came from. */
export function whenAndWhere({ clock }: Pick<Deps, "clock">, c: Context<AppEnv>) {
  return { at: new Date(clock.now()).toISOString(), source: c.env.address };
}
