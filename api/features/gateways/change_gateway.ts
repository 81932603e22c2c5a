import { createRoute } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { asThePlatform } from "../../audit/as_the_platform.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { viewGateway } from "./list_gateways.ts";
import { changeGatewayBody, gatewayId, gatewaySchema } from "./schemas.ts";
import { readGatewayState, retireGatewayRow, setAcceptsPeers } from "./store.ts";

export function changeGateway(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "patch",
    path: "/{id}",
    operationId: "changeGateway",
    summary: "Let new peers come to a gateway, or no more; those that are there stay",
    ...access(deps, "platform.wireguard"),
    request: { params: gatewayId, ...jsonRequest(changeGatewayBody) },
    responses: {
      200: jsonResponse(gatewaySchema, "The gateway as it stands now"),
      ...refusals("gateway_retired", "platform_missing"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { accepts_peers } = c.req.valid("json");
    const gateway = await asThePlatform(deps, c, async (sql) => {
      const before = await readGatewayState(sql, id);
      if (!before) throw new ApiError("not_found");
      await setAcceptsPeers(sql, id, accepts_peers);
      return {
        result: { ...before, accepts_peers },
        entry: {
          action: "wireguard.gateway_change",
          id,
          details: { accepts_peers_before: before.accepts_peers, accepts_peers },
        },
      };
    });
    return c.json(viewGateway(gateway, null), 200);
  });
}

export function retireGateway(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "delete",
    path: "/{id}",
    operationId: "retireGateway",
    summary: "Take a gateway out of use, for good",
    description:
      "Refused while any peer, or a key that has not been read back gone, is on it: move or remove those first. Number, name and network are not given again, because receipts name them.",
    ...access(deps, "platform.wireguard"),
    request: { params: gatewayId },
    responses: {
      200: jsonResponse(gatewaySchema, "The gateway, retired"),
      ...refusals("gateway_retired", "gateway_in_use", "platform_missing"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const gateway = await asThePlatform(deps, c, async (sql) => {
      const before = await readGatewayState(sql, id);
      if (!before) throw new ApiError("not_found");
      await retireGatewayRow(sql, id);
      const result = { ...before, state: "retired" as const, accepts_peers: false };
      return {
        result,
        entry: {
          action: "wireguard.gateway_retire",
          id,
          details: { name: before.name, network: before.network },
        },
      };
    });
    return c.json(viewGateway(gateway, null), 200);
  });
}
