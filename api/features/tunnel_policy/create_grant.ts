import { createRoute } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import { destinationFault } from "../../../lib/network.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { PlatformSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { heldBeside } from "../sessions/mod.ts";
import { viewGrant } from "./list_grants.ts";
import { hasStrayPorts, parsePorts } from "./reach.ts";
import { createGrantBody, grantSchema } from "./schemas.ts";
import { insertGrant, lockReach, readGrant, tunnelNetworks } from "./store.ts";

export function createGrant(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/grants",
    operationId: "createGrant",
    summary: "Let a tenant open a destination for its peers",
    description:
      "Opens nothing by itself. A grant is never changed: withdraw it, and what rests on it goes with it.",
    ...access(deps, "platform.wireguard"),
    request: { headers: idempotencyHeader, ...jsonRequest(createGrantBody) },
    responses: {
      201: jsonResponse(grantSchema, "The grant"),
      ...refusals("grant_name_taken", "tenant_required"),
    },
  });
  router.openapi(route, async (c) => {
    const { name, network, protocol, ports: text } = c.req.valid("json");
    const ports = text === undefined ? null : parsePorts(text) ?? null;
    if (hasStrayPorts({ protocol, ports })) {
      throw invalidField("ports", "stray_ports", "belong to tcp or udp alone");
    }
    const tenantId = tenantOf(c);
    const key = await idempotencyKey(c);
    // Before anything is locked: it may have to ask for names.
    const infrastructure = await deps.infrastructure(network);
    const make = async (sql: PlatformSql) => {
      await lockReach(sql, tenantId);
      const fault = destinationFault(network, await tunnelNetworks(sql)) ?? infrastructure;
      if (fault) throw invalidField("network", "not_grantable", fault);
      const id = uuidv7({ msecs: deps.clock.now() });
      const made = await insertGrant(sql, { tenantId, id, name, network, protocol, ports });
      if (!made) throw new ApiError("not_found");
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "wireguard.grant",
        outcome: "succeeded",
        target: { type: "wg_grant", id },
        details: { name, network: made.network, protocol, ports: text ?? null },
      });
      return made;
    };
    const grant = await heldBeside(
      deps,
      c.get("principal"),
      (hold) =>
        deps.platform.transaction(async (sql, enter) => {
          await enter(tenantId);
          const made = await createOnce(sql, key, {
            tenantId,
            now: deps.clock.now(),
            make: () => make(sql),
            repeat: async (id) => {
              const earlier = await readGrant(sql, { tenantId, id });
              if (!earlier) throw new ApiError("not_found");
              return earlier;
            },
            of: ({ id }) => id,
          });
          await hold();
          return made;
        }),
    );
    return c.json(viewGrant(grant), 201);
  });
}
