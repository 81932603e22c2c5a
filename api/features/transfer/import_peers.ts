import { createRoute, z } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import { addressPlan } from "../../../lib/address.ts";
import { presharedKeyRow } from "../../../lib/seal.ts";
import { isWireGuardKey } from "../../../lib/wireguard_key.ts";
import { type AuditSource, auditSource, writeAudit } from "../../audit.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import {
  applyNow,
  holdToQuotas,
  listPeersById,
  peerName,
  peerStatuses,
  publicKey,
  readGateway,
  requireGateway,
} from "../peers/mod.ts";
import { type ImportReason, importReasons, screen } from "./policy.ts";
import { type ImportRow, insertAt, lockFree, lockLowest, ownKeys } from "./store.ts";

const importBody = z.strictObject({
  peers: z.array(z.strictObject({
    name: peerName,
    public_key: publicKey,
    preshared_key: z.string().refine(isWireGuardKey, "must be a WireGuard key").nullable()
      .default(null),
    allowed_ips: z.array(
      z.string().regex(/^[0-9a-fA-F:.]{2,45}(\/\d{1,3})?$/, "must be an address or a network"),
    ).max(64).openapi({ description: "As the other server had them for this peer" }),
  })).min(1).max(1000),
  renumber: z.boolean().default(false).openapi({
    description:
      "Gives a peer whose address cannot be kept another one; its client then needs that in its file",
  }),
  apply: z.boolean().default(false).openapi({
    description: "Without it nothing is changed, and the answer says what would be",
  }),
});
type ImportBody = z.infer<typeof importBody>;

const outcome = z.object({
  name: z.string(),
  public_key: z.string(),
  verdict: z.enum(["taken", "renumbered", "present", "refused"]).openapi({
    description: "`present`: the tenant has a peer of this key already, which is left as it is",
  }),
  reason: z.enum(importReasons).nullable().openapi({
    description: "Why it is refused, or why its address could not be kept",
  }),
  address: z.ipv4().nullable(),
  dropped_ips: z.array(z.string()),
  peer_id: z.uuid().nullable().openapi({ description: "Null where nothing was applied" }),
  status: z.enum(peerStatuses).nullable(),
});
type Outcome = z.infer<typeof outcome>;

/** Ends the transaction of a rehearsal, and carries out what it found. */
class Rehearsed {
  constructor(readonly outcomes: Outcome[]) {}
}

export function importPeers(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/import",
    summary: "Take over the peers of another WireGuard server, with their keys and addresses",
    description:
      "Everything that can be taken is, in one transaction; what cannot is answered with its reason. Without `apply` the same is done and rolled back. No client file is made: the clients have theirs.",
    ...access(deps, "platform.wireguard"),
    request: jsonRequest(importBody),
    responses: {
      200: jsonResponse(
        z.object({ applied: z.boolean(), items: z.array(outcome) }),
        "Each peer, in the order of the request",
      ),
      ...refusals(400, 401, 403, 409, 413, 415, 422, 429, 503),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const source = auditSource(c);
    if (!body.apply) {
      return c.json(
        { applied: false, items: await rehearse(deps, { tenantId, source, body }) },
        200,
      );
    }
    const items = await deps.tenancy.transaction(
      tenantId,
      (sql) => take(deps, sql, { tenantId, source, body }),
    );
    const ids = items.flatMap(({ verdict, peer_id }) =>
      peer_id !== null && verdict !== "present" ? [peer_id] : []
    );
    if (ids.length > 0) await applyNow(deps, c, ids);
    const known = items.flatMap(({ peer_id }) => peer_id ?? []);
    const views = await deps.tenancy.transaction(
      tenantId,
      (sql) => listPeersById(sql, known, new Date(deps.clock.now())),
    );
    const statuses = new Map(views.map(({ id, status }) => [id, status]));
    return c.json({
      applied: true,
      items: items.map((item) => ({ ...item, status: statuses.get(item.peer_id ?? "") ?? null })),
    }, 200);
  });
}

interface Import {
  tenantId: TenantId;
  source: AuditSource;
  body: ImportBody;
}

/** What {@link take} would do. Only trying tells which keys are taken, since other tenants' rows do not show. */
async function rehearse(deps: Deps, given: Import): Promise<Outcome[]> {
  try {
    return await deps.tenancy.transaction(given.tenantId, async (sql) => {
      throw new Rehearsed(await take(deps, sql, given));
    });
  } catch (error) {
    if (!(error instanceof Rehearsed)) throw error;
    return error.outcomes.map((item) => ({
      ...item,
      peer_id: item.verdict === "present" ? item.peer_id : null,
    }));
  }
}

async function take(
  deps: Deps,
  sql: TenantSql,
  { tenantId, source, body: { peers, renumber } }: Import,
): Promise<Outcome[]> {
  const { interfaceId } = deps.settings;
  const now = deps.clock.now();
  const gateway = requireGateway(await readGateway(sql, interfaceId));
  const plan = addressPlan(gateway.network);
  const screened = screen(peers, { plan, gatewayKey: gateway.public_key });
  const present = await ownKeys(sql, interfaceId, peers.map((peer) => peer.public_key));
  const isNew = (key: string) => !present.has(key);
  const wanted = screened.flatMap((found, at) =>
    "address" in found && found.unusable === null && isNew(peers[at]?.public_key ?? "")
      ? [found.address]
      : []
  );
  const free = await lockFree(sql, interfaceId, wanted);
  const homeless =
    screened.filter((found, at) =>
      "address" in found && isNew(peers[at]?.public_key ?? "") &&
      (found.unusable !== null || !free.has(found.address))
    ).length;
  const spare = renumber && homeless > 0
    ? await lockLowest(sql, interfaceId, { count: homeless, except: free })
    : [];

  const rows: ImportRow[] = [];
  const outcomes: Outcome[] = [];
  for (const [at, peer] of peers.entries()) {
    const { name, public_key } = peer;
    const said = (
      verdict: Outcome["verdict"],
      more: Partial<Outcome> = {},
    ): Outcome => ({
      ...{ name, public_key, verdict, reason: null, address: null, dropped_ips: [] },
      ...{ peer_id: null, status: null },
      ...more,
    });
    const found = screened[at];
    const own = present.get(public_key);
    if (!found) continue;
    if ("refused" in found) {
      outcomes.push(said("refused", { reason: found.refused }));
      continue;
    }
    if (own) {
      outcomes.push(said("present", { peer_id: own.id, address: own.address }));
      continue;
    }
    const keeps = found.unusable === null && free.has(found.address);
    const reason: ImportReason | null = keeps ? null : found.unusable ?? "address_taken";
    const address = keeps ? found.address : spare.shift();
    if (address === undefined) {
      outcomes.push(said("refused", { reason: renumber ? "pool_exhausted" : reason }));
      continue;
    }
    const id = uuidv7({ msecs: now });
    rows.push({
      tenant_id: tenantId,
      id,
      interface_id: interfaceId,
      name,
      public_key,
      preshared_key: await seal(deps, { tenantId, peerId: id, publicKey: public_key }, peer),
      address,
      created_at: new Date(now),
    });
    outcomes.push(said(keeps ? "taken" : "renumbered", {
      reason,
      address,
      dropped_ips: found.droppedIps,
      peer_id: id,
    }));
  }
  if (rows.length === 0) return outcomes;
  const inserted = await insertAt(sql, rows);
  await holdToQuotas(sql, { tenantId, interfaceId, owner: null, count: 0 });
  if (inserted.size > 0) {
    await writeAudit(sql, {
      tenantId,
      source,
      action: "peer.import",
      outcome: "succeeded",
      details: { peer_ids: [...inserted], renumber },
    });
  }
  return outcomes.map((item) =>
    item.peer_id === null || item.verdict === "present" || inserted.has(item.peer_id) ? item : {
      ...item,
      verdict: "refused" as const,
      reason: "public_key_taken" as const,
      address: null,
      peer_id: null,
    }
  );
}

async function seal(
  { presharedKeys }: Pick<Deps, "presharedKeys">,
  place: { tenantId: number; peerId: string; publicKey: string },
  { preshared_key }: { preshared_key: string | null },
): Promise<Uint8Array | null> {
  if (preshared_key === null) return null;
  return await presharedKeys.seal(
    new TextEncoder().encode(preshared_key),
    presharedKeyRow(place),
  );
}
