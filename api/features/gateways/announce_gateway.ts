import { createRoute, z } from "@hono/zod-openapi";
import { addressPlan } from "../../../lib/address.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access } from "../../middleware/access.ts";
import { asThePlatform } from "../../audit/as_the_platform.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { viewGateway } from "./list_gateways.ts";
import { announceGatewayBody, gatewaySchema } from "./schemas.ts";
import { insertGateway, readGatewayState } from "./store.ts";

const announced = z.object({
  gateway: gatewaySchema,
  settings: z.record(z.string(), z.string()).openapi({
    description: "What its daemon, and the API beside it, are to be started with",
    example: { WG_INTERFACE_ID: "2", WG_INTERFACE: "wg1", WG_NETWORK: "192.168.77.0/24" },
  }),
}).openapi("AnnouncedGateway");

export function announceGateway(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/",
    operationId: "announceGateway",
    summary: "Reserve number, name and network of one more gateway",
    description:
      "It takes peers once its daemon was started with the settings in the answer, and has published its key.",
    ...access(deps, "platform.wireguard"),
    request: { headers: idempotencyHeader, ...jsonRequest(announceGatewayBody) },
    responses: {
      201: jsonResponse(announced, "The gateway, and the settings of its daemon"),
      ...refusals("gateway_name_taken", "network_taken", "platform_missing"),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const plan = planOf(body.network, body.network6);
    const endpoint = /:\d+$/.test(body.endpoint) && !body.endpoint.endsWith("]")
      ? body.endpoint
      : `${body.endpoint}:${body.listen_port}`;
    const made = {
      name: body.name,
      network: plan.network,
      network6: plan.six?.network ?? null,
      listenPort: body.listen_port,
      endpoint,
      mtu: body.mtu,
    };
    const key = await idempotencyKey(c);
    const gateway = await asThePlatform(deps, c, async (sql, platform) => {
      const { id, repeated } = await createOnce(sql, key, {
        tenantId: platform,
        now: deps.clock.now(),
        make: async () => ({ id: await insertGateway(sql, made), repeated: false }),
        repeat: (earlier) => Promise.resolve({ id: Number(earlier), repeated: true }),
        of: ({ id }) => String(id),
      });
      const gateway = await readGatewayState(sql, id);
      if (!gateway) throw new ApiError("not_found");
      const { name, network } = made;
      return {
        result: gateway,
        entry: repeated
          ? null
          : { action: "wireguard.gateway_add", id, details: { name, network, endpoint } },
      };
    });
    const settings: Record<string, string> = {
      WG_INTERFACE_ID: String(gateway.id),
      WG_INTERFACE: made.name,
      WG_NETWORK: made.network,
      ...(made.network6 === null ? {} : { WG_NETWORK6: made.network6 }),
      WG_PORT: String(made.listenPort),
      WG_ENDPOINT: endpoint,
      WG_MTU: String(made.mtu),
    };
    return c.json({ gateway: viewGateway(gateway, null), settings }, 201);
  });
}

function planOf(network: string, network6: string | undefined) {
  try {
    return addressPlan(network, network6);
  } catch (error) {
    throw invalidField(
      "network6",
      "invalid_format",
      error instanceof Error ? error.message : "is no network",
    );
  }
}
