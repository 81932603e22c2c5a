import { createRoute, z } from "@hono/zod-openapi";
import { inTime } from "../../../lib/in_time.ts";
import { WgdUnavailable } from "../../../wgd/client.ts";
import type { DaemonStatus } from "../../../wgd/protocol.ts";
import type { Deps } from "../../deps.ts";
import { DatabaseUnavailable, isConnectionError } from "../../database/errors.ts";
import { noTenant } from "../../database/tenancy.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { createRouter, jsonResponse, type Router, timestamp } from "../../openapi.ts";
import { askedGateway, gatewayQuery } from "../gateways/mod.ts";
import { countPeers, readGateway } from "../peers/mod.ts";
import { getPool } from "./pool.ts";

const status = z.object({
  gateway_id: z.int(),
  interface: z.object({
    network: z.string(),
    network6: z.string().nullable(),
    endpoint: z.string().nullable().openapi({
      description: "Null while the database does not answer, which the operator alone gets to see",
    }),
    public_key: z.string().nullable(),
    up: z.boolean().nullable().openapi({ description: "Null while the daemon does not answer" }),
    backend: z.enum(["kernel", "userspace"]).nullable(),
  }).nullable().openapi({ description: "Null until a daemon was started once" }),
  daemon: z.enum(["ok", "degraded", "unreachable"]).openapi({
    description:
      "degraded: it runs without its database, on the last state it knew. Of a gateway that is not beside the API process that answers: ok where it is `up` in the list of gateways, else unreachable",
  }),
  database: z.enum(["ok", "unavailable"]).openapi({
    description: "As the API sees it; without it only the operator, in no tenant, is answered",
  }),
  peers: z.object({
    total: z.int(),
    desired: z.int(),
    applied: z.int(),
    pending: z.int(),
    revoking: z.int(),
  }).nullable().openapi({
    description:
      "The tenant's own, on the gateway that was asked for, else on all; null where the operator names no tenant",
  }),
  interface_counts: z.object({
    desired: z.int(),
    applied: z.int(),
    drift: z.int(),
    held: z.int(),
    unexplained: z.int(),
    failed: z.int(),
  }).nullable().openapi({
    description: "Of all tenants, for the operator; null for everybody else",
  }),
  last_error: z.string().nullable().openapi({ description: "The daemon's, for the operator" }),
  last_reconcile_at: timestamp.nullable(),
  last_read_back_at: timestamp.nullable(),
}).openapi("WireGuardStatus");

/** `/api/v1/wireguard`: the interface that all peers meet at. */
export function tunnelStatusFeature(deps: Deps): Router {
  const router = createRouter();
  getPool(router, deps);
  const route = createRoute({
    method: "get",
    path: "/status",
    operationId: "getGatewayStatus",
    summary: "The interface, the daemon behind it, and the tenant's peers in numbers",
    ...access(deps, "wireguard.read"),
    request: { query: gatewayQuery },
    responses: {
      200: jsonResponse(status, "As of this moment"),
    },
  });
  router.openapi(route, async (c) => {
    const { gateway_id } = c.req.valid("query");
    const isOwn = (gateway_id ?? deps.settings.interfaceId) === deps.settings.interfaceId;
    const now = new Date(deps.clock.now());
    const isOperator = c.get("principal")?.kind === "operator";
    const everywhere = isOperator && c.get("tenantId") === undefined;
    // The interface is nobody's in particular; without a tenant set, no row of a tenant shows.
    const tenantId = everywhere ? noTenant : tenantOf(c);
    const read = deps.tenancy.transaction(tenantId, async (sql) => {
      const { id, other } = await askedGateway(deps, sql, gateway_id, { isOperator });
      return {
        database: "ok" as const,
        other,
        gateway: await readGateway(sql, id),
        peers: everywhere ? null : await countPeers(sql, now, { gateway: gateway_id }),
      };
    });
    const [daemon, { database, gateway, peers, other }] = await Promise.all([
      isOwn ? daemonStatus(deps) : undefined,
      everywhere ? answeredInTime(read) : read,
    ]);
    const link = gateway ?? (daemon && { ...daemon.interface, endpoint: null });
    return c.json({
      gateway_id: gateway_id ?? deps.settings.interfaceId,
      interface: link
        ? {
          network: link.network,
          network6: link.network6,
          endpoint: link.endpoint,
          public_key: link.public_key,
          up: daemon?.interface.up ?? null,
          backend: daemon?.interface.backend ?? null,
        }
        : null,
      daemon: daemon
        ? daemon.database === "connected" ? "ok" as const : "degraded" as const
        : other?.state === "up"
        ? "ok" as const
        : "unreachable" as const,
      database,
      peers,
      interface_counts: isOperator ? daemon?.counts ?? null : null,
      last_error: isOperator ? daemon?.last_error ?? null : null,
      last_reconcile_at: daemon?.last_reconcile_at ?? null,
      last_read_back_at: daemon?.last_read_back_at ?? other?.last_read_back_at?.toISOString() ??
        null,
    }, 200);
  });
  return router;
}

/** How long whoever is on call waits for a database that may hang. */
const patienceMs = 3_000;

/** With the database away or hanging, whoever is on call has to learn what the daemon still knows. */
async function answeredInTime<T>(read: Promise<T>) {
  const away = { database: "unavailable" as const, gateway: undefined, peers: null, other: null };
  const late = () => new DatabaseUnavailable("no answer in time");
  try {
    return await inTime(read, { ms: patienceMs, late });
  } catch (error) {
    if (isConnectionError(error)) return away;
    throw error;
  }
}

async function daemonStatus(deps: Pick<Deps, "wgd">): Promise<DaemonStatus | undefined> {
  try {
    return await deps.wgd.status();
  } catch (error) {
    if (error instanceof WgdUnavailable) return undefined;
    throw error;
  }
}
