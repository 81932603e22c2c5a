import { createRoute, z } from "@hono/zod-openapi";
import { isWireGuardKey } from "../../../lib/wireguard_key.ts";
import type { Deps } from "../../deps.ts";
import { invalidField } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, refusals, type Router, timestamp } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
import { gatewayQuery } from "../gateways/mod.ts";
import { holdToOwnGateway, isHeld, observedPeers } from "./held.ts";

const heldKey = z.object({
  gateway_id: z.int(),
  public_key: z.string(),
  why: z.enum(["vanished", "adopted", "foreign", "released"]).openapi({
    description:
      "`vanished`: its row went without a tombstone; `adopted`: it was there before the daemon could know; `foreign`: added by hand, and about to be taken off unless the table is empty; `released`: decided over, and about to be taken off",
  }),
  allowed_ips: z.array(z.string()),
  endpoint: z.string().nullable(),
  last_handshake_at: timestamp.nullable(),
  received_bytes: z.number(),
  sent_bytes: z.number(),
}).openapi("HeldKey");

export function getHeldKeys(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listHeldKeys",
    summary: "List keys on the interface that no row explains",
    ...access(deps, "platform.wireguard"),
    request: {
      query: gatewayQuery.extend(pageQuery(z.string().max(100)).shape),
    },
    responses: {
      200: jsonResponse(pageOf(heldKey), "A page of keys, by key"),
      ...refusals("daemon_unavailable", "other_gateway"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor = "", gateway_id } = c.req.valid("query");
    holdToOwnGateway(deps, gateway_id);
    if (cursor !== "" && !isWireGuardKey(cursor)) {
      throw invalidField("cursor", "invalid_cursor", "is not a cursor of this list");
    }
    const rest = [...(await observedPeers(deps)).values()]
      .filter(isHeld)
      .filter((peer) => peer.public_key > cursor)
      .sort((a, b) => a.public_key < b.public_key ? -1 : 1);
    return c.json(
      page(rest, {
        limit,
        view: (
          { peer_id: _, explanation: why, differs: _row, drift_repaired: _when, ...peer },
        ) => ({
          ...peer,
          gateway_id: deps.settings.interfaceId,
          why,
        }),
        cursor: ({ public_key }) => public_key,
      }),
      200,
    );
  });
}
