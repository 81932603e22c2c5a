import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import { preferred } from "./accept.ts";
import { auditSource, fitting, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { limitTenant } from "../../middleware/limit.ts";
import { jsonRequest, refusals, type Router } from "../../openapi.ts";
import { holdCaller } from "../sessions/mod.ts";
import { applyNow } from "./apply.ts";
import { zipStream } from "./archive.ts";
import {
  checkResolvers,
  clientFile,
  futureTime,
  makeKeys,
  type PeerKeys,
  type ReadyGateway,
  requireGateway,
} from "./provision.ts";
import { chosenPlaceRefusals, gatewayFor } from "./placement.ts";
import { holdToQuotas } from "./quota.ts";
import { bulkPeerBody, peerSchema, type PeerView, placeChoice } from "./schemas.ts";
import { insertPeers, type NewPeer, readGateway } from "./store.ts";
import { lockPeers, replaceKeysOfMany } from "./keys_store.ts";
import { listPeersById } from "./view_store.ts";

export const maxBulk = 1000;
/** Of one tenant, those that are refused included. */
export const bulksAMinute = 60;
/** Keys made without a turn of the event loop in between. */
const keysAtOnce = 25;

type BulkPeer = z.infer<typeof bulkPeerBody>;
/** A peer of the request without its keys, which cost more than all that may refuse it. */
type PreparedPeer = Omit<NewPeer, "interfaceId" | "publicKey" | "presharedKey"> & {
  choice: BulkPeer;
};

export function createPeersInBulk(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/bulk",
    operationId: "createPeersInBulk",
    summary: "Create up to 1,000 peers, all or none",
    description:
      "`Accept: application/zip` answers the client files as an archive. QR codes come with single peers only. At most 60 a minute and tenant.",
    ...access(deps, "wireguard.write"),
    request: {
      headers: idempotencyHeader,
      ...jsonRequest(z.strictObject({
        peers: z.array(bulkPeerBody).min(1).max(maxBulk),
        gateway_id: placeChoice,
      })),
    },
    responses: {
      201: {
        description: "The peers with their files, in the order of the request",
        content: {
          "application/json": {
            schema: z.object({
              items: z.array(z.object({
                peer: peerSchema,
                config: z.string().nullable().openapi({
                  description:
                    "Null where the request was repeated, and the client spoke in between",
                }),
              })),
            }),
          },
          "application/zip": { schema: z.string().openapi({ format: "binary" }) },
        },
      },
      ...refusals(
        "not_acceptable",
        "public_key_taken",
        ...chosenPlaceRefusals,
      ),
    },
  });
  router.openapi(route, async (c) => {
    const type = preferred(c.req.header("accept"), ["application/json", "application/zip"]);
    if (!type) throw new ApiError("not_acceptable");
    const tenantId = tenantOf(c);
    const now = deps.clock.now();
    const { peers: bodies, gateway_id: gatewayId } = c.req.valid("json");
    const peers = bodies.map((body, index) => prepare({ body, index, tenantId, now }));
    const key = await idempotencyKey(c);
    await limitTenant(deps, c, { what: "bulk", quota: bulksAMinute });
    const handed = await deps.tenancy.transaction(tenantId, async (sql) => {
      const made = await createOnce(sql, key, {
        tenantId,
        now,
        make: () => makePeers(deps, c, sql, { tenantId, peers, gatewayId }),
        repeat: (ids) => rekeyPeers(deps, c, sql, { tenantId, bodies, ids: ids.split(" "), now }),
        of: (handed) => handed.map(({ id }) => id).join(" "),
      });
      await holdCaller(sql, c.get("principal"));
      return made;
    });

    const ids = handed.map(({ id }) => id);
    await applyNow(deps, c, ids);
    const views = await deps.tenancy.transaction(
      tenantId,
      (sql) => listPeersById(sql, ids, new Date(deps.clock.now())),
    );
    const byId = new Map(views.map((view) => [view.id, view]));
    const items = handed.flatMap(({ id, made }) => {
      const peer = byId.get(id);
      // One that somebody removed within this moment is none of the answer any more.
      const network = made?.gateway.network ?? null;
      return peer ? [{ peer, config: made && clientFile(deps, { peer, ...made }), network }] : [];
    });
    if (type === "application/json") {
      return c.json({ items: items.map(({ peer, config }) => ({ peer, config })) }, 201);
    }
    const files = items.flatMap(({ peer, config, network }): [string, string][] =>
      config === null || network === null ? [] : [[archiveName(peer, network), config]]
    );
    return c.body(zipStream(files), 201, {
      "Content-Type": "application/zip",
      "Content-Disposition": 'attachment; filename="peers.zip"',
    });
  });
}

/**
 * As much of the address is in the name as tells it from all others of the network, so that two peers of one
 * name are two files; within the 15 characters that wg-quick takes.
 */
export function archiveName(peer: Pick<PeerView, "name" | "address">, network: string): string {
  const octets = Number(network.split("/")[1]) < 16 ? 3 : 2;
  const tail = peer.address.split(".").slice(-octets).join(".");
  const safe = peer.name.normalize("NFKD").replace(/[^A-Za-z0-9_=+.-]+/g, "-");
  return `${safe.slice(0, 14 - tail.length).replace(/^[-.]+|[-.]+$/g, "") || "p"}-${tail}.conf`;
}

/** A peer and what its file is made of; null where its client has that already. */
interface Handed {
  id: string;
  made: { keys: PeerKeys; gateway: ReadyGateway } | null;
}

async function makePeers(
  deps: Deps,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, peers, gatewayId }: {
    tenantId: TenantId;
    peers: readonly PreparedPeer[];
    gatewayId: number | undefined;
  },
): Promise<Handed[]> {
  const gateway = await gatewayFor(deps, sql, gatewayId);
  peers.forEach((peer, index) =>
    checkResolvers(
      gateway,
      { dns: peer.dns, client_allowed_ips: peer.clientAllowedIps },
      `peers.${index}.dns`,
    )
  );
  await holdToQuotas(sql, {
    tenantId,
    interfaceId: gateway.id,
    owner: null,
    count: peers.length,
  });
  const keys = await keysOf(deps, tenantId, peers);
  const made = peers.map((peer, index) => ({ ...peer, keys: keys[index] ?? unmade() }));
  const inserted = await insertPeers(
    sql,
    made.map(({ keys, ...peer }) => ({
      ...peer,
      interfaceId: gateway.id,
      publicKey: keys.publicKey,
      presharedKey: keys.sealedPresharedKey,
    })),
  );
  if (!inserted) throw new ApiError("pool_exhausted");
  await record(sql, c, tenantId, {
    peers: made.map(({ id, name, userId, expiresAt, keys }) => ({
      id,
      name,
      user_id: userId,
      public_key: keys.publicKey,
      expires_at: expiresAt?.toISOString() ?? null,
    })),
  });
  return made.map(({ id, keys }) => ({ id, made: { keys, gateway } }));
}

/** As a single peer's repetition: those whose clients never spoke get new keys, and the others are shown without. */
async function rekeyPeers(
  deps: Deps,
  c: Context<AppEnv>,
  sql: TenantSql,
  { tenantId, bodies, ids, now }: {
    tenantId: TenantId;
    bodies: readonly BulkPeer[];
    ids: readonly string[];
    now: number;
  },
): Promise<Handed[]> {
  await lockPeers(sql, ids);
  const views = await listPeersById(sql, ids, new Date(now));
  const silent = new Map(
    views.filter((view) => view.last_handshake_at === null).map((view) => [view.id, view]),
  );
  const gateways = new Map<number, ReadyGateway>();
  for (const { gateway_id } of silent.values()) {
    if (gateways.has(gateway_id)) continue;
    gateways.set(gateway_id, requireGateway(await readGateway(sql, gateway_id)));
  }
  const renewed = bodies.flatMap((choice, index) => {
    const id = ids[index] ?? "";
    const gateway = gateways.get(silent.get(id)?.gateway_id ?? 0);
    return gateway ? [{ id, choice, gateway }] : [];
  });
  const keys = await keysOf(deps, tenantId, renewed);
  const madeOf = new Map(
    renewed.map(({ id, gateway }, index) => [id, { keys: keys[index] ?? unmade(), gateway }]),
  );
  const handed = bodies.map((_, index): Handed => {
    const id = ids[index] ?? "";
    return { id, made: madeOf.get(id) ?? null };
  });
  const rekeyed = handed.flatMap(({ id, made }) =>
    made ? [{ id, publicKey: made.keys.publicKey, presharedKey: made.keys.sealedPresharedKey }] : []
  );
  await replaceKeysOfMany(sql, rekeyed);
  await record(sql, c, tenantId, {
    repeated: true,
    peers: rekeyed.map(({ id, publicKey }) => ({
      id,
      public_key_before: silent.get(id)?.public_key ?? null,
      public_key: publicKey,
    })),
  });
  return handed;
}

async function record(
  sql: TenantSql,
  c: Context<AppEnv>,
  tenantId: TenantId,
  details: {
    repeated?: true;
    peers: { [name: string]: string | number | null; id: string }[];
  },
): Promise<void> {
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: "peer.create_bulk",
    outcome: "succeeded",
    details: fitting(
      details,
      () => ({ ...details, peers: details.peers.map(({ id }) => ({ id })) }),
    ),
  });
}

/** The keys of each, in their order. */
async function keysOf(
  deps: Deps,
  tenantId: TenantId,
  peers: readonly { id: string; choice: BulkPeer }[],
): Promise<PeerKeys[]> {
  const keys: PeerKeys[] = [];
  for (let from = 0; from < peers.length; from += keysAtOnce) {
    const some = peers.slice(from, from + keysAtOnce);
    keys.push(
      ...await Promise.all(
        some.map(({ id, choice }) => makeKeys(deps, { tenantId, peerId: id }, choice)),
      ),
    );
  }
  return keys;
}

function unmade(): never {
  throw new Error("a peer without its keys");
}

function prepare(
  { body, index, tenantId, now }: {
    body: BulkPeer;
    index: number;
    tenantId: number;
    now: number;
  },
): PreparedPeer {
  return {
    tenantId,
    id: uuidv7({ msecs: now }),
    userId: body.user_id ?? null,
    name: body.name,
    kind: "permanent",
    expiresAt: body.expires_at === undefined
      ? null
      : futureTime(`peers.${index}.expires_at`, body.expires_at, now),
    clientAllowedIps: body.client_allowed_ips ?? null,
    dns: body.dns ?? null,
    mtu: body.mtu ?? null,
    persistentKeepalive: body.persistent_keepalive ?? null,
    at: new Date(now),
    choice: body,
  };
}
