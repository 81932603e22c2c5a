import { createRoute } from "@hono/zod-openapi";
import { auditSource, fitting, writeAudit } from "../../audit/write_audit.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, type FieldError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { limitTenant } from "../../middleware/limit.ts";
import { jsonRequest, jsonResponse, type Router } from "../../openapi.ts";
import { holdCaller } from "../sessions/mod.ts";
import { beyondGrant, hasStrayPorts, parsePorts, type Reach } from "./reach.ts";
import { type PolicyBody, policyBody, policySchema } from "./schemas.ts";
import { settle } from "./settle.ts";
import {
  type Grant,
  listGrants,
  lockReach,
  type NewPolicy,
  readPolicy,
  servingPeers,
  writePolicy,
} from "./store.ts";

export function replacePolicy(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "put",
    path: "/policy",
    operationId: "replacePolicy",
    summary: "Set what the tenant's peers reach beyond the API",
    description:
      "Replaces all of it. Closing ends established flows, too. The answer waits, within bounds, for the daemons of the tenant's gateways, and says what became of it on each.",
    ...access(deps, "wireguard.write"),
    request: jsonRequest(policyBody),
    responses: {
      200: jsonResponse(policySchema, "The policy; `pending` where the daemon has not confirmed"),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    // Each has an entry as long as the policy is, and has the daemons load it.
    await limitTenant(deps, c, { what: "policy", quota: deps.settings.policiesAMinute });
    await deps.tenancy.transaction(tenantId, async (sql) => {
      await lockReach(sql, tenantId);
      const before = await readPolicy(sql);
      await writePolicy(sql, tenantId, await resolved(sql, body));
      const { peer_to_peer, services, routes } = await readPolicy(sql);
      const taken = {
        services: beyond(before.services, services),
        routes: beyond(before.routes, routes),
      };
      const added = {
        services: beyond(services, before.services),
        routes: beyond(routes, before.routes),
      };
      const moved = [taken, added].some((side) => side.services.length + side.routes.length > 0);
      // An entry that says nothing only fills the log.
      if (!moved && peer_to_peer === before.peer_to_peer) return;
      const details = {
        before: { peer_to_peer: before.peer_to_peer, ...taken },
        after: { peer_to_peer, ...added },
      };
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "wireguard.policy_set",
        outcome: "succeeded",
        target: { type: "wg_policy", id: String(tenantId) },
        details: fitting(details, () => ({
          before: { ...details.before, services: taken.services.map(unnamed) },
          after: { ...details.after, services: added.services.map(unnamed) },
        })),
      });
      await holdCaller(sql, c.get("principal"));
    });
    return c.json(await settle(deps, c, tenantId), 200);
  });
}

/** What the one list has and the other has not. */
function beyond<T extends object>(list: readonly T[], other: readonly T[]): T[] {
  const there = new Set(other.map((entry) => JSON.stringify(entry)));
  return list.filter((entry) => !there.has(JSON.stringify(entry)));
}

/** A service by what it opens alone. */
function unnamed<T extends { name: string }>({ name: _, ...rest }: T): Omit<T, "name"> {
  return rest;
}

/** The body with the fields that come from grants filled in. @throws {ApiError} naming each entry that cannot be */
async function resolved(sql: TenantSql, body: PolicyBody): Promise<NewPolicy> {
  const faults: FieldError[] = [];
  const serving = await servingPeers(sql, body.services.map((service) => service.peer_id));
  const services = body.services.map(({ name, peer_id, protocol, ports }, at) => {
    if (!serving.has(peer_id)) {
      const message = "there is no such permanent peer";
      faults.push({ path: `services.${at}.peer_id`, code: "unknown", message });
    }
    return { name, peerId: peer_id, protocol, ports: parsePorts(ports) ?? [0, 0] as const };
  });
  const all = body.routes.length > 0 ? await listGrants(sql, { after: null, limit: null }) : [];
  const grants = new Map(all.map((grant) => [grant.id, grant]));
  const routes = body.routes.flatMap((entry, at) => {
    const grant = grants.get(entry.grant_id);
    if (!grant) {
      const message = "there is no such grant";
      faults.push({ path: `routes.${at}.grant_id`, code: "unknown", message });
      return [];
    }
    const reach = reachOf(entry, grant);
    const beyond = beyondGrant(reach, grant);
    if (beyond) {
      const { field, message } = beyond;
      faults.push({ path: `routes.${at}.${field}`, code: "not_granted", message });
    } else if (hasStrayPorts(reach)) {
      const message = "belong to tcp or udp alone";
      faults.push({ path: `routes.${at}.ports`, code: "stray_ports", message });
    }
    return [{ grantId: grant.id, ...reach }];
  });
  if (faults.length > 0) throw new ApiError("invalid_input", { errors: faults.slice(0, 100) });
  return { peerToPeer: body.peer_to_peer, services, routes };
}

function reachOf(entry: PolicyBody["routes"][number], grant: Grant): Reach {
  return {
    network: entry.network ?? grant.network,
    protocol: entry.protocol ?? grant.protocol,
    ports: entry.ports === undefined ? grant.ports : parsePorts(entry.ports) ?? null,
  };
}
