import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { listPlaces, placeOf } from "../gateways/mod.ts";
import { type ReadyGateway, requireGateway } from "./provision.ts";
import { readGateway } from "./store.ts";

/** What may refuse a peer its place, in the OpenAPI document. */
export const placeRefusals = [
  "quota_exceeded",
  "pool_exhausted",
  "gateway_not_ready",
  "gateway_closed",
] as const;
/** The same where the caller may choose the gateway. */
export const chosenPlaceRefusals = [...placeRefusals, "gateway_down"] as const;

/**
 * The gateway that a new peer goes to. Where there is one, that; nothing else is asked then.
 * @param asked the caller's choice; undefined for the tenant's default, or the one with the most free addresses
 * @throws {ApiError} `gateway_closed`, `gateway_down`, `gateway_not_ready`, `invalid_input`
 */
export async function gatewayFor(
  deps: Pick<Deps, "settings">,
  sql: TenantSql,
  asked?: number,
): Promise<ReadyGateway> {
  const { interfaceId } = deps.settings;
  const own = await readGateway(sql, interfaceId);
  if (own && !own.others && (asked ?? own.id) === own.id) return requireGateway(own);
  const places = await listPlaces(sql);
  // With none up, its own: the peer is pending there, as it is where there is one gateway.
  if (asked === undefined) {
    const id = placeOf(places, places[0]?.tenant_default ?? null) ?? interfaceId;
    return requireGateway(id === own?.id ? own : await readGateway(sql, id));
  }
  const place = places.find(({ id }) => id === asked);
  if (!place) throw invalidField("gateway_id", "unknown", "there is no such gateway");
  if (!place.accepts_peers) throw new ApiError("gateway_closed");
  if (place.state === "announced") throw new ApiError("gateway_not_ready", { retryAfter: 2 });
  if (place.state !== "up") throw new ApiError("gateway_down", { retryAfter: 5 });
  return requireGateway(await readGateway(sql, asked));
}
