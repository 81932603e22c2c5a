import type { Context } from "hono";
import { createRoute, type z } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, refusals, type Router } from "../../openapi.ts";
import { holdCaller } from "../sessions/mod.ts";
import { applyAndRead } from "./apply.ts";
import { chosenPlaceRefusals, gatewayFor } from "./placement.ts";
import {
  checkResolvers,
  chooseType,
  futureTime,
  holdToType,
  makeKeys,
  provisionResponse,
} from "./provision.ts";
import { type HandedOver, handOver, rekey } from "./hand_over.ts";
import { holdToQuotas } from "./quota.ts";
import { createOwnPeerBody, createPeerBody, provisionedResponse } from "./schemas.ts";
import { ownerOf, type PeerScope } from "./scope.ts";
import { insertPeer, lockPeer } from "./store.ts";
import { readPeer } from "./view_store.ts";

export function createPeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "post",
    path: "/",
    operationId: scope.own ? "createOwnPeer" : "createPeer",
    summary: "Create a peer and return its client configuration",
    description:
      "`Accept: text/plain` answers the .conf as a download, `image/svg+xml` or `image/png` its QR code. Secrets are shown this once.",
    ...access(deps, scope.write),
    request: {
      headers: idempotencyHeader,
      ...jsonRequest(scope.own ? createOwnPeerBody : createPeerBody),
    },
    responses: {
      201: provisionedResponse("The peer, its configuration and QR code"),
      ...refusals(
        "not_acceptable",
        "public_key_taken",
        ...chosenPlaceRefusals,
      ),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const type = chooseType(c, {
      ownKey: body.public_key !== undefined,
      link: body.delivery === "link",
    });
    const key = await idempotencyKey(c);
    const owner = ownerOf(c, scope);
    const creation = { tenantId, owner, body, now: deps.clock.now() };
    const { id, config, delivery } = await deps.tenancy.transaction(tenantId, async (sql) => {
      const made = await createOnce(sql, key, {
        ...creation,
        make: () => makePeer(deps, c, sql, creation),
        repeat: (id) => repeatPeer(deps, c, sql, { ...creation, id }),
        of: ({ id }) => id,
      });
      holdToType(type, made.config);
      await holdCaller(sql, c.get("principal"));
      return made;
    });

    const peer = await applyAndRead(deps, c, { id, owner });
    c.header("Location", `/api/v1/wireguard/${scope.own ? "me/" : ""}peers/${id}`);
    return provisionResponse(c, { type, status: 201, peer, config, delivery });
  });
}

interface Creation {
  tenantId: TenantId;
  /** The caller in self-service, whom the quota of users binds. */
  owner: number | null;
  body: z.infer<typeof createPeerBody>;
  /** Milliseconds since the Unix epoch. */
  now: number;
}

/**
 * Makes a peer in the transaction of what asks for it. To be applied once that is committed.
 * @throws {ApiError} `gateway_not_ready`, `quota_exceeded`, `pool_exhausted`, `invalid_input`
 */
export async function makePeer(
  deps: Deps,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, owner, body, now }: Creation,
): Promise<HandedOver & { id: string }> {
  const id = uuidv7({ msecs: now });
  const kind = body.kind ?? "permanent";
  const userId = owner ?? body.user_id ?? null;
  const dns = body.dns ?? null;
  const clientAllowedIps = body.client_allowed_ips ?? null;
  const expiresAt = expiryOf(kind, body.expires_at, now);
  const keys = await makeKeys(deps, { tenantId, peerId: id }, body);
  // Side by side, here and below: what does not wait for the other's answer travels with it.
  const placed = gatewayFor(deps, sql, body.gateway_id);
  const guessed = body.gateway_id ?? deps.settings.interfaceId;
  const held = holdToQuotas(sql, { tenantId, interfaceId: guessed, owner });
  held.catch(() => {});
  const gateway = await placed;
  const interfaceId = gateway.id;
  checkResolvers(gateway, { dns, client_allowed_ips: clientAllowedIps });
  await (interfaceId === guessed ? held : holdToQuotas(sql, { tenantId, interfaceId, owner }));
  const address = await insertPeer(sql, {
    tenantId,
    id,
    interfaceId,
    userId,
    kind,
    name: body.name,
    publicKey: keys.publicKey,
    presharedKey: keys.sealedPresharedKey,
    expiresAt,
    expirySetBy: owner === null ? "admin" : "owner",
    clientAllowedIps,
    dns,
    mtu: body.mtu ?? null,
    persistentKeepalive: body.persistent_keepalive ?? null,
    at: new Date(now),
  });
  if (address === undefined) throw new ApiError("pool_exhausted");
  const audited = writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: "peer.create",
    outcome: "succeeded",
    target: { type: "peer", id },
    details: {
      name: body.name,
      address,
      user_id: userId,
      kind,
      own_key: !keys.privateKey,
      delivery: body.delivery,
    },
  });
  const [peer] = await Promise.all([readPeer(sql, { id, owner }, new Date(now)), audited]);
  if (!peer) throw new ApiError("not_found");
  return { id, ...await handOver(deps, sql, { peer, keys, gateway, choice: body, now }) };
}

/**
 * The answer to a creation that is repeated: no secret of the first answer was kept, so a peer whose client
 * never spoke gets new keys, and one that did is shown without.
 */
export async function repeatPeer(
  deps: Deps,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, owner, body, now, id }: Pick<Creation, "tenantId" | "owner" | "now"> & {
    body: Pick<Creation["body"], "public_key" | "preshared_key" | "delivery">;
    id: string;
  },
): Promise<HandedOver & { id: string }> {
  const locked = await lockPeer(sql, { id, owner });
  const peer = locked && await readPeer(sql, { id, owner }, new Date(now));
  if (!peer) throw new ApiError("not_found");
  if (peer.last_handshake_at !== null) return { id, config: null, delivery: null };
  return { id, ...await rekey(deps, c, sql, { tenantId, peer, choice: body, now }) };
}

/** The longest life of an enrolment peer. */
const enrolmentMs = 24 * 3_600_000;

/** When the peer is to end; an enrolment peer always does, within a day. */
function expiryOf(
  kind: "permanent" | "enrolment",
  asked: string | undefined,
  now: number,
): Date | null {
  const latest = new Date(now + enrolmentMs);
  if (asked === undefined) return kind === "enrolment" ? latest : null;
  const expiry = futureTime("expires_at", asked, now);
  if (kind === "enrolment" && expiry > latest) {
    throw invalidField("expires_at", "too_late", "an enrolment peer lasts at most 24 hours");
  }
  return expiry;
}
