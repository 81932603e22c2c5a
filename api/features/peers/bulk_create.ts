import { createRoute, z } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import { auditSource, writeAudit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, refusals, type Router } from "../../openapi.ts";
import { applyNow } from "./apply.ts";
import { zipStream } from "./archive.ts";
import { checkResolvers, clientFile, futureTime, makeKeys, type PeerKeys } from "./provision.ts";
import { gatewayFor } from "./placement.ts";
import { holdToQuotas } from "./quota.ts";
import { bulkPeerBody, peerSchema, type PeerView } from "./schemas.ts";
import { insertPeers, type NewPeer } from "./store.ts";
import { listPeersById } from "./view_store.ts";

export const maxBulk = 1000;

type BulkPeer = z.infer<typeof bulkPeerBody>;
type PreparedPeer = Omit<NewPeer, "interfaceId"> & { keys: PeerKeys };

export function createPeersInBulk(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/bulk",
    operationId: "createPeersInBulk",
    summary: "Create up to 1,000 peers, all or none",
    description:
      "`Accept: application/zip` answers the client files as an archive. QR codes come with single peers only.",
    ...access(deps, "wireguard.write"),
    request: jsonRequest(z.strictObject({ peers: z.array(bulkPeerBody).min(1).max(maxBulk) })),
    responses: {
      201: {
        description: "The peers with their files, in the order of the request",
        content: {
          "application/json": {
            schema: z.object({
              items: z.array(z.object({ peer: peerSchema, config: z.string() })),
            }),
          },
          "application/zip": { schema: z.string().openapi({ format: "binary" }) },
        },
      },
      ...refusals(
        "not_acceptable",
        "public_key_taken",
        "quota_exceeded",
        "pool_exhausted",
        "gateway_not_ready",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const accept = c.req.header("accept") ?? "*/*";
    const zip = accept.includes("application/zip");
    if (!zip && !/application\/(json|\*)|\*\/\*/.test(accept)) throw new ApiError("not_acceptable");
    const tenantId = tenantOf(c);
    const now = deps.clock.now();
    const peers = await Promise.all(
      c.req.valid("json").peers.map((body, index) => prepare(deps, { body, index, tenantId, now })),
    );
    const ids = peers.map((peer) => peer.id);

    const gateway = await deps.tenancy.transaction(tenantId, async (sql) => {
      const gateway = await gatewayFor(deps, sql);
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
      if (!await insertPeers(sql, peers.map((peer) => ({ ...peer, interfaceId: gateway.id })))) {
        throw new ApiError("pool_exhausted");
      }
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "peer.create_bulk",
        outcome: "succeeded",
        details: {
          peers: peers.map(({ id, name, userId, expiresAt, publicKey }) => ({
            id,
            name,
            user_id: userId,
            public_key: publicKey,
            expires_at: expiresAt?.toISOString() ?? null,
          })),
        },
      });
      return gateway;
    });

    await applyNow(deps, c, ids);
    const views = await deps.tenancy.transaction(
      tenantId,
      (sql) => listPeersById(sql, ids, new Date(deps.clock.now())),
    );
    const byId = new Map(views.map((view) => [view.id, view]));
    const items = peers.flatMap(({ id, keys }) => {
      const peer = byId.get(id);
      // One that somebody removed within this moment is none of the answer any more.
      return peer ? [{ peer, config: clientFile(deps, { peer, keys, gateway }) }] : [];
    });
    if (!zip) return c.json({ items }, 201);
    const network = gateway.network;
    const files = items.map(({ peer, config }): [string, string] => [
      archiveName(peer, network),
      config,
    ]);
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

async function prepare(
  deps: Deps,
  { body, index, tenantId, now }: {
    body: BulkPeer;
    index: number;
    tenantId: number;
    now: number;
  },
): Promise<PreparedPeer> {
  const id = uuidv7({ msecs: now });
  const keys = await makeKeys(deps, { tenantId, peerId: id }, body);
  return {
    tenantId,
    id,
    userId: body.user_id ?? null,
    name: body.name,
    kind: "permanent",
    publicKey: keys.publicKey,
    presharedKey: keys.sealedPresharedKey,
    expiresAt: body.expires_at === undefined
      ? null
      : futureTime(`peers.${index}.expires_at`, body.expires_at, now),
    clientAllowedIps: body.client_allowed_ips ?? null,
    dns: body.dns ?? null,
    mtu: body.mtu ?? null,
    persistentKeepalive: body.persistent_keepalive ?? null,
    at: new Date(now),
    keys,
  };
}
