import { v7 as uuidv7 } from "uuid";
import { addressPlan } from "../../../lib/address.ts";
import { presharedKeyRow } from "../../../lib/seal.ts";
import { type AuditSource, writeAudit } from "../../audit/write_audit.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import {
  gatewayFor,
  holdToQuotas,
  readGateway,
  type ReadyGateway,
  requireGateway,
} from "../peers/mod.ts";
import { type ImportReason, screen, type Screened } from "./policy.ts";
import type { ImportBody, Outcome } from "./schemas.ts";
import { insertAt, lockFree, lockLowest, ownKeys } from "./store.ts";

interface Import {
  tenantId: TenantId;
  source: AuditSource;
  body: ImportBody;
  /** Undefined for the one beside this process. */
  gatewayId: number | undefined;
}

type Peer = ImportBody["peers"][number];

/** Ends the transaction of a rehearsal, and carries out what it found. */
class Rehearsed {
  constructor(readonly outcomes: Outcome[]) {}
}

/**
 * What {@link takeOver} would do. Only trying tells which keys are taken, since other tenants' rows do not show.
 */
export async function rehearse(deps: Deps, given: Import): Promise<Outcome[]> {
  try {
    return await deps.tenancy.transaction(given.tenantId, async (sql) => {
      throw new Rehearsed(await takeOver(deps, sql, given));
    });
  } catch (error) {
    if (!(error instanceof Rehearsed)) throw error;
    // What was rolled back has no id.
    return error.outcomes.map((item) =>
      item.verdict === "present" ? item : { ...item, peer_id: null }
    );
  }
}

/** Inserts what can be taken, with its audit entry, and says of each peer what became of it. */
export async function takeOver(
  deps: Deps,
  sql: TenantSql,
  { tenantId, source, body: { peers, renumber }, gatewayId }: Import,
): Promise<Outcome[]> {
  const gateway = gatewayId === undefined
    ? requireGateway(await readGateway(sql, deps.settings.interfaceId))
    : await gatewayFor(deps, sql, gatewayId);
  const interfaceId = gateway.id;
  const outcomes = await decide(sql, { gateway, peers, renumber, now: deps.clock.now() });
  const chosen = outcomes.flatMap(({ verdict, peer_id, address }, at) => {
    const peer = peers[at];
    return peer && peer_id !== null && address !== null && verdict !== "present"
      ? [{ peer, id: peer_id, address }]
      : [];
  });
  if (chosen.length === 0) return outcomes;
  const created_at = new Date(deps.clock.now());
  const rows = await Promise.all(chosen.map(async ({ peer, id, address }) => ({
    tenant_id: tenantId,
    id,
    interface_id: interfaceId,
    name: peer.name,
    public_key: peer.public_key,
    preshared_key: await seal(deps, { tenantId, peerId: id }, peer),
    address,
    created_at,
  })));
  const inserted = await insertAt(sql, rows);
  await holdToQuotas(sql, { tenantId, interfaceId, owner: null, count: 0 });
  if (inserted.size > 0) {
    await writeAudit(sql, {
      tenantId,
      source,
      action: "peer.import",
      outcome: "succeeded",
      details: { peer_ids: [...inserted], renumber, gateway: interfaceId },
    });
  }
  return outcomes.map((item) =>
    item.peer_id === null || item.verdict === "present" || inserted.has(item.peer_id)
      ? item
      : said(item, "refused", { reason: "public_key_taken" })
  );
}

/** Locks the addresses and gives each peer its verdict; those to be taken have the id that they will have. */
async function decide(
  sql: TenantSql,
  { gateway, peers, renumber, now }: {
    gateway: ReadyGateway;
    peers: readonly Peer[];
    renumber: boolean;
    now: number;
  },
): Promise<Outcome[]> {
  const interfaceId = gateway.id;
  const screened = screen(peers, {
    plan: addressPlan(gateway.network),
    gatewayKey: gateway.public_key,
  });
  const present = await ownKeys(sql, interfaceId, peers.map((peer) => peer.public_key));
  const homes = screened.flatMap((found, at) =>
    "address" in found && !present.has(peers[at]?.public_key ?? "") ? [found] : []
  );
  const free = await lockFree(
    sql,
    interfaceId,
    homes.filter((home) => home.unusable === null).map((home) => home.address),
  );
  const homeless = homes.filter((home) => !canStay(home, free)).length;
  const spare = renumber && homeless > 0
    ? await lockLowest(sql, interfaceId, { count: homeless, except: free })
    : [];

  return peers.map((peer, at) => {
    const found: Screened = screened[at] ?? { refused: "no_address" };
    if ("refused" in found) return said(peer, "refused", { reason: found.refused });
    const own = present.get(peer.public_key);
    if (own) return said(peer, "present", { peer_id: own.id, address: own.address });
    const stays = canStay(found, free);
    const reason: ImportReason | null = stays ? null : found.unusable ?? "address_taken";
    const address = stays ? found.address : spare.shift();
    if (address === undefined) {
      return said(peer, "refused", { reason: renumber ? "pool_exhausted" : reason });
    }
    return said(peer, stays ? "taken" : "renumbered", {
      reason,
      address,
      dropped_ips: found.droppedIps,
      peer_id: uuidv7({ msecs: now }),
    });
  });
}

function canStay(
  { address, unusable }: { address: string; unusable: ImportReason | null },
  free: ReadonlySet<string>,
): boolean {
  return unusable === null && free.has(address);
}

function said(
  { name, public_key }: { name: string; public_key: string },
  verdict: Outcome["verdict"],
  more: Partial<Outcome>,
): Outcome {
  const nothing = { reason: null, address: null, dropped_ips: [], peer_id: null, status: null };
  return { name, public_key, verdict, ...nothing, ...more };
}

async function seal(
  { presharedKeys }: Pick<Deps, "presharedKeys">,
  place: { tenantId: number; peerId: string },
  { public_key, preshared_key }: Peer,
): Promise<Uint8Array | null> {
  if (preshared_key === null) return null;
  return await presharedKeys.seal(
    new TextEncoder().encode(preshared_key),
    presharedKeyRow({ ...place, publicKey: public_key }),
  );
}
