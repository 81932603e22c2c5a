import { createRoute, z } from "@hono/zod-openapi";
import { WgdUnavailable } from "../../../wgd/client.ts";
import type { DaemonStatus } from "../../../wgd/protocol.ts";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { createRouter, jsonResponse, refusals, type Router, timestamp } from "../../openapi.ts";
import { countPeers, readGateway } from "../peers/mod.ts";

const status = z.object({
  interface: z.object({
    network: z.string(),
    endpoint: z.string(),
    public_key: z.string().nullable(),
    up: z.boolean().nullable().openapi({ description: "Null while the daemon does not answer" }),
    backend: z.enum(["kernel", "userspace"]).nullable(),
  }).nullable().openapi({ description: "Null until a daemon was started once" }),
  daemon: z.enum(["ok", "degraded", "unreachable"]).openapi({
    description: "degraded: it runs without its database, on the last state it knew",
  }),
  peers: z.object({
    total: z.int(),
    desired: z.int(),
    applied: z.int(),
    pending: z.int(),
    revoking: z.int(),
  }).openapi({ description: "The tenant's own" }),
  last_reconcile_at: timestamp.nullable(),
  last_read_back_at: timestamp.nullable(),
}).openapi("WireGuardStatus");

/** `/api/v1/wireguard`: the interface that all peers meet at. */
export function gatewayFeature(deps: Deps): Router {
  const router = createRouter();
  const route = createRoute({
    method: "get",
    path: "/status",
    summary: "The interface, the daemon behind it, and the tenant's peers in numbers",
    ...access(deps, "wireguard.read"),
    responses: { 200: jsonResponse(status, "As of this moment"), ...refusals(400, 401, 403, 503) },
  });
  router.openapi(route, async (c) => {
    const now = new Date(deps.clock.now());
    const [daemon, { gateway, peers }] = await Promise.all([
      daemonStatus(deps),
      deps.tenancy.transaction(tenantOf(c), async (sql) => ({
        gateway: await readGateway(sql, deps.settings.interfaceId),
        peers: await countPeers(sql, now),
      })),
    ]);
    return c.json({
      interface: gateway
        ? {
          network: gateway.network,
          endpoint: gateway.endpoint,
          public_key: gateway.public_key,
          up: daemon?.interface.up ?? null,
          backend: daemon?.interface.backend ?? null,
        }
        : null,
      daemon: daemon
        ? daemon.database === "connected" ? "ok" as const : "degraded" as const
        : "unreachable" as const,
      peers,
      last_reconcile_at: daemon?.last_reconcile_at ?? null,
      last_read_back_at: daemon?.last_read_back_at ?? null,
    }, 200);
  });
  return router;
}

async function daemonStatus(deps: Pick<Deps, "wgd">): Promise<DaemonStatus | undefined> {
  try {
    return await deps.wgd.status();
  } catch (error) {
    if (error instanceof WgdUnavailable) return undefined;
    throw error;
  }
}
