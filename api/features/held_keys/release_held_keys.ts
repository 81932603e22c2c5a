import { createRoute, z } from "@hono/zod-openapi";
import { WgdUnavailable } from "../../../wgd/client.ts";
import type { ObservedPeerView } from "../../../wgd/protocol.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { asThePlatform } from "../../audit/as_the_platform.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { publicKey } from "../peers/mod.ts";
import { gatewayQuery } from "../gateways/mod.ts";
import { holdToOwnGateway, isHeld, observedPeers } from "./held.ts";
import { insertReleases } from "./store.ts";

const answer = z.object({
  items: z.array(z.object({
    public_key: z.string(),
    state: z.enum(["removed", "revoking", "kept", "not_held"]).openapi({
      description:
        "`kept`: it got a row in the meantime; `not_held`: it has a row, or is not on the interface, and nothing was decided over it",
    }),
  })),
});

export function releaseHeldKeys(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/release",
    operationId: "releaseHeldKeys",
    summary: "Let the daemon take off keys that no row explains",
    description:
      "A key that gets a row in the meantime stays. Audited under the platform's tenant, because the key is no tenant's.",
    ...access(deps, "platform.wireguard"),
    request: {
      query: gatewayQuery,
      ...jsonRequest(z.strictObject({ public_keys: z.array(publicKey).min(1).max(1000) })),
    },
    responses: {
      200: jsonResponse(answer, "The interface was read back without those that are `removed`"),
      202: jsonResponse(answer, "Committed; of those `revoking` the daemon has not confirmed yet"),
      ...refusals("platform_missing", "daemon_unavailable", "other_gateway"),
    },
  });
  router.openapi(route, async (c) => {
    holdToOwnGateway(deps, c.req.valid("query").gateway_id);
    const asked = [...new Set(c.req.valid("json").public_keys)];
    const before = await observedPeers(deps);
    const held = new Set(asked.filter((key) => {
      const peer = before.get(key);
      return peer !== undefined && isHeld(peer);
    }));
    if (held.size > 0) {
      const id = deps.settings.interfaceId;
      await asThePlatform(deps, c, async (sql) => {
        await insertReleases(sql, id, [...held]);
        const details = { public_keys: [...held] };
        return { result: undefined, entry: { action: "wireguard.keys_released", id, details } };
      });
    }
    const after = held.size > 0 ? await lookAgain(deps) : new Map<string, ObservedPeerView>();
    const stateOf = (key: string) => {
      if (!held.has(key)) return "not_held" as const;
      if (!after) return "revoking" as const;
      const peer = after.get(key);
      return !peer ? "removed" as const : isHeld(peer) ? "revoking" as const : "kept" as const;
    };
    const items = asked.map((public_key) => ({ public_key, state: stateOf(public_key) }));
    return c.json({ items }, items.some(({ state }) => state === "revoking") ? 202 : 200);
  });
}

/** The interface after the daemon has looked at all of it again; undefined where it does not say. */
async function lookAgain(deps: Pick<Deps, "wgd">) {
  try {
    await deps.wgd.reconcile({ wait: true });
    return await observedPeers(deps);
  } catch (error) {
    if (error instanceof WgdUnavailable || error instanceof ApiError) return undefined;
    throw error;
  }
}
