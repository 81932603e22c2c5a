import { createRoute, z } from "@hono/zod-openapi";
import { limitedAccess, publicAccess } from "../../middleware/access.ts";
import { limitButForProxies } from "../../middleware/limit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { answerHealth, answerReadiness } from "../operations/mod.ts";
import { createRouter, jsonResponse, refusals, type Router } from "../../openapi.ts";

/** What answers without a tenant: the root, liveness and readiness. */
export function baseFeature(deps: Deps): Router {
  const router = createRouter();

  const root = createRoute({
    method: "get",
    path: "/",
    operationId: "getRoot",
    summary: "What this is",
    ...publicAccess,
    responses: {
      200: jsonResponse(z.object({ name: z.string(), api: z.string() }), "Name and base path"),
    },
  });
  router.openapi(root, (c) => c.json({ name: "MassaCorp", api: "/api/v1" }, 200));

  const health = createRoute({
    method: "get",
    path: "/health",
    operationId: "getHealth",
    summary: "Liveness: the process answers",
    ...publicAccess,
    responses: {
      200: jsonResponse(
        z.object({
          status: z.literal("healthy"),
          environment: z.string(),
          wireguard_network: z.string(),
        }),
        "Alive; says nothing about dependencies",
      ),
    },
  });
  router.openapi(health, (c) => answerHealth(c, deps));

  const keys = createRoute({
    method: "get",
    path: "/.well-known/jwks.json",
    operationId: "getSigningKeys",
    summary: "The public keys that access tokens can be verified with (RFC 7517)",
    ...limitedAccess(deps, "anonymous"),
    responses: {
      200: jsonResponse(
        z.object({ keys: z.array(z.record(z.string(), z.string())) }),
        "The keys; 404 where tokens are signed with a shared secret",
      ),
      ...refusals("not_found"),
    },
  });
  router.openapi(keys, (c) => {
    const keys = [...deps.tokens.published];
    if (keys.length === 0) throw new ApiError("not_found");
    return c.json({ keys }, 200);
  });

  const readiness = z.object({
    status: z.enum(["ready", "not_ready"]),
    checks: z.record(z.string(), z.string()),
  });
  const ready = createRoute({
    method: "get",
    path: "/ready",
    operationId: "getReadiness",
    summary: "Readiness: requests can be served",
    ...limitedAccess(deps, "anonymous", limitButForProxies(deps, "anonymous")),
    responses: {
      200: jsonResponse(readiness, "Ready"),
      503: jsonResponse(readiness, "Not ready; `checks` says why"),
    },
  });
  router.openapi(ready, (c) => answerReadiness(c, deps));
  return router;
}

/** `/api/v1/info`: the API, and the caller as the tunnel sees it. */
export function infoFeature(deps: Deps): Router {
  const router = createRouter();
  const route = createRoute({
    method: "get",
    path: "/info",
    operationId: "getInfo",
    summary: "The API, and the caller as the tunnel sees it",
    ...limitedAccess(deps, "anonymous"),
    responses: {
      200: jsonResponse(
        z.object({
          name: z.string(),
          version: z.string(),
          environment: z.string(),
          wireguard_network: z.string(),
          wireguard_network6: z.string().nullable().openapi({
            description: "Null where the tunnel has no IPv6",
          }),
          caller: z.object({
            via: z.enum(["tunnel", "loopback", "operator"]),
            address: z.string().nullable(),
            peer_id: z.uuid().nullable(),
            tenant_id: z.int().nullable(),
          }),
        }),
        "What a client can know without logging in",
      ),
    },
  });
  router.openapi(route, (c) => {
    const { listener } = c.env;
    if (listener === "scrape") throw new ApiError("not_found");
    const peer = c.get("peer");
    return c.json({
      name: "MassaCorp",
      version: deps.version,
      environment: deps.env,
      wireguard_network: deps.settings.network,
      wireguard_network6: deps.settings.network6,
      caller: {
        via: listener,
        address: c.env.address,
        peer_id: peer?.peerId ?? null,
        tenant_id: peer?.tenantId ?? null,
      },
    }, 200);
  });
  return router;
}
