import { createRoute, z } from "@hono/zod-openapi";
import { WgdUnavailable } from "../../../wgd/client.ts";
import type { ObservedPeerView } from "../../../wgd/protocol.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router, timestamp } from "../../openapi.ts";
import { readGatewayState } from "../gateways/mod.ts";
import { gatewayOf, peerId, readGateway, servedAddresses } from "../peers/mod.ts";
import { type Openings, packetVerdicts } from "./packets.ts";
import { differenceKinds, type PeerFacts, reasonCodes, reasonsOf } from "./policy.ts";
import { receiptSchema, viewReceipt } from "./receipts.ts";
import {
  type ExplainedRow,
  listReceipts,
  type OpeningsRow,
  readExplained,
  readOpenings,
} from "./store.ts";

const difference = z.enum(differenceKinds);

const explanation = z.object({
  peer_id: z.uuid(),
  name: z.string().nullable(),
  on_interface: z.boolean().nullable().openapi({
    description:
      "As of the daemon's last look; null where it does not say, or is beside another API process",
  }),
  reasons: z.array(z.object({ code: z.enum(reasonCodes), detail: z.string() })).openapi({
    description: "Why it is or is not on the interface, in plain words",
  }),
  desired: z.object({
    wanted: z.boolean(),
    kind: z.enum(["permanent", "enrolment"]),
    user_id: z.int().nullable(),
    public_key: z.string(),
    has_preshared_key: z.boolean(),
    successor_public_key: z.string().nullable(),
    successor_deadline: timestamp.nullable(),
    address: z.ipv4(),
    address6: z.ipv6().nullable(),
    enabled: z.boolean(),
    expires_at: timestamp.nullable(),
    removed_at: timestamp.nullable(),
    generation: z.string(),
  }).nullable().openapi({ description: "The row; null where it went" }),
  applied: z.object({
    state: z.enum(["applied", "removed", "failed", "held"]),
    generation: z.string(),
    error: z.string().nullable(),
    changed_at: timestamp,
  }).nullable().openapi({ description: "What the daemon wrote down last" }),
  observed: z.array(z.object({
    public_key: z.string(),
    allowed_ips: z.array(z.string()),
    differs: z.array(difference).nullable().openapi({
      description:
        "Where the key is not as the row wants it, by the daemon's last look; of a preshared key no more than that it is another one. Null for a key that the peer had before",
    }),
    endpoint: z.string().nullable(),
    last_handshake_at: timestamp.nullable(),
    received_bytes: z.number(),
    sent_bytes: z.number(),
  })).nullable().openapi({
    description:
      "What the interface has of it, keys it had before included; null where the daemon does not say",
  }),
  drift_repaired: z.object({ at: timestamp, differences: z.array(difference) }).nullable().openapi({
    description:
      "When the peer was last found changed by hand, and put right, since the daemon was started; the audit log has all of it",
  }),
  last_handshake_at: timestamp.nullable(),
  packets: z.array(z.object({
    traffic: z.string(),
    verdict: z.enum(["accept", "drop", "unknown"]),
    why: z.string(),
  })).openapi({ description: "What becomes of packets it sends; the first that fits decides" }),
  receipts: z.array(receiptSchema).openapi({
    description: "Newest first, at most 20; the rest stand in `GET /wireguard/receipts`",
  }),
}).openapi("PeerExplanation");

/** Receipts shown with a peer. */
const fewReceipts = 20;

export function explainPeer(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/peers/{id}/explain",
    operationId: "explainPeer",
    summary: "Say what is desired, applied and observed of a peer, and why",
    description:
      "A peer whose row is gone is answered from its receipts, as long as there is one; then it is unknown.",
    ...access(deps, "wireguard.read"),
    request: { params: peerId },
    responses: {
      200: jsonResponse(explanation, "As of this moment"),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const own = deps.settings.interfaceId;
    const known = await deps.tenancy.transaction(tenantOf(c), async (sql) => {
      const place = await gatewayOf(sql, id) ?? own;
      return {
        row: await readExplained(sql, id, new Date(deps.clock.now())),
        receipts: await listReceipts(sql, { peerId: id, before: null, limit: fewReceipts }),
        place,
        state: place === own ? null : (await readGatewayState(sql, place))?.state,
        gateway: await readGateway(sql, place),
        openings: await readOpenings(sql, place),
      };
    });
    const { row, receipts, place, state, gateway, openings } = known;
    // The daemon knows the peers of all tenants: it is asked only about one that this tenant has, or had.
    if (!row && receipts.length === 0) throw new ApiError("not_found");
    const { observed, daemon } = place === own ? await look(deps, id) : {
      observed: null,
      daemon: state === "up" ? "elsewhere" as const : "unreachable" as const,
    };
    const facts = factsOf(row, { observed, daemon });
    const reasons = reasonsOf(facts);
    const isThere = facts.observed && facts.observed.has(row?.public_key ?? "");
    const handshakes = [...observed ?? []].flatMap((peer) => peer.last_handshake_at ?? []);
    const recorded = row?.last_handshake_at?.toISOString();
    return c.json({
      peer_id: id,
      name: row?.name ?? null,
      on_interface: isThere,
      reasons,
      desired: row ? desiredView(row) : null,
      applied: row ? appliedView(row) : null,
      observed: observed?.map(({ peer_id: _, explanation: _why, drift_repaired: _when, ...peer }) =>
        peer
      ) ?? null,
      drift_repaired: facts.repaired,
      last_handshake_at: [...handshakes, ...(recorded ? [recorded] : [])].sort().at(-1) ?? null,
      packets: packetVerdicts(
        { isThere, address: row ? addressesOf(row) : null, kind: row?.kind ?? null },
        {
          addresses: gateway ? servedAddresses(gateway) : [],
          apiPort: deps.settings.apiPort,
          openings: openings ? openingsView(openings, place) : null,
        },
      ),
      receipts: receipts.map(viewReceipt),
    }, 200);
  });
}

/** What the interface has of a peer, as far as the daemon says. */
async function look(
  { wgd }: Pick<Deps, "wgd">,
  id: string,
): Promise<{ observed: ObservedPeerView[] | null; daemon: PeerFacts["daemon"] }> {
  try {
    const status = await wgd.status();
    const daemon = status.database === "connected" ? "ok" as const : "degraded" as const;
    return { observed: status.interface.up ? await wgd.peers(id) : null, daemon };
  } catch (error) {
    if (!(error instanceof WgdUnavailable)) throw error;
    return { observed: null, daemon: "unreachable" };
  }
}

function factsOf(
  row: ExplainedRow | undefined,
  { observed, daemon }: { observed: ObservedPeerView[] | null; daemon: PeerFacts["daemon"] },
): PeerFacts {
  return {
    desired: row
      ? {
        publicKey: row.public_key,
        successorKey: row.successor_public_key,
        enabled: row.enabled,
        removed: row.removed_at !== null,
        expired: row.expired,
        ownerActive: row.owner_active,
        tenantActive: row.tenant_active,
        generation: BigInt(row.generation),
      }
      : null,
    recorded: row && row.state !== null && row.state_generation !== null
      ? { state: row.state, generation: BigInt(row.state_generation), error: row.error }
      : null,
    observed: observed && new Map(observed.map((peer) => [peer.public_key, peer.differs ?? []])),
    repaired: observed?.find(({ drift_repaired }) => drift_repaired)?.drift_repaired ?? null,
    daemon,
  };
}

function addressesOf({ address, address6 }: ExplainedRow): string {
  return address6 === null ? address : `${address} and ${address6}`;
}

function openingsView({ peer_to_peer, services, ...rest }: OpeningsRow, place: number): Openings {
  const seen = services.map(({ gateway, ...service }) => ({ ...service, near: gateway === place }));
  return { ...rest, services: seen, peerToPeer: peer_to_peer };
}

function desiredView(row: ExplainedRow) {
  return {
    wanted: row.enabled && row.removed_at === null && !row.expired && row.owner_active &&
      row.tenant_active,
    kind: row.kind,
    user_id: row.user_id,
    public_key: row.public_key,
    has_preshared_key: row.has_preshared_key,
    successor_public_key: row.successor_public_key,
    successor_deadline: row.successor_deadline?.toISOString() ?? null,
    address: row.address,
    address6: row.address6,
    enabled: row.enabled,
    expires_at: row.expires_at?.toISOString() ?? null,
    removed_at: row.removed_at?.toISOString() ?? null,
    generation: row.generation,
  };
}

function appliedView(row: ExplainedRow) {
  const { state, state_generation, error, changed_at } = row;
  if (state === null || state_generation === null || changed_at === null) return null;
  return { state, generation: state_generation, error, changed_at: changed_at.toISOString() };
}
