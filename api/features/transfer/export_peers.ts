import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { presharedKeyRow, SealError } from "../../../lib/seal.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { askedGateway, gatewayQuery } from "../gateways/mod.ts";
import { hostRoute } from "../peers/mod.ts";
import { type ExportRow, readExport, readInterface } from "./store.ts";

const answer = z.object({
  interface: z.object({
    name: z.string(),
    addresses: z.array(z.string()).openapi({
      description: "The gateway's, each with the length of its network",
    }),
    listen_port: z.int(),
    mtu: z.int(),
    public_key: z.string().nullable(),
  }),
  peers: z.array(z.object({
    id: z.uuid(),
    name: z.string(),
    public_key: z.string(),
    preshared_key: z.string().nullable().openapi({
      description: "Null where it has none, it does not open, or secrets were not asked for",
    }),
    has_preshared_key: z.boolean(),
    allowed_ips: z.array(z.string()),
    wanted: z.boolean().openapi({
      description: "Whether the interface is to have it now: enabled, not expired, owner active",
    }),
  })),
}).openapi("WireGuardExport");

export function exportPeers(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/export",
    operationId: "exportPeers",
    summary: "The server's side of a tenant's peers on one gateway, for another WireGuard server",
    description:
      "The gateway's private key is not known here: it never leaves its host. Audited, with or without secrets.",
    ...access(deps, "platform.wireguard"),
    request: {
      query: gatewayQuery,
      ...jsonRequest(z.strictObject({
        secrets: z.boolean().default(false).openapi({
          description: "Preshared keys, too; over the operator's socket alone",
        }),
      })),
    },
    responses: {
      200: jsonResponse(answer, "As the table has it"),
      ...refusals("gateway_not_ready", "tenant_required"),
    },
  });
  router.openapi(route, async (c) => {
    const { secrets } = c.req.valid("json");
    // Secrets are given out once, and never again through a tunnel.
    if (secrets && c.get("principal")?.kind !== "operator") throw new ApiError("forbidden");
    const tenantId = tenantOf(c);
    const { gateway_id } = c.req.valid("query");
    const isOperator = c.get("principal")?.kind === "operator";
    const found = await deps.tenancy.transaction(tenantId, async (sql) => {
      const { id: interfaceId } = await askedGateway(deps, sql, gateway_id, { isOperator });
      const rows = await readExport(sql, interfaceId, new Date(deps.clock.now()));
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "peer.export",
        outcome: "succeeded",
        details: { peers: rows.length, secrets, gateway: interfaceId },
      });
      return { rows, server: await readInterface(sql, interfaceId) };
    });
    if (!found.server) throw new ApiError("gateway_not_ready", { retryAfter: 2 });
    const peers = await Promise.all(found.rows.map(async (row) => ({
      id: row.id,
      name: row.name,
      public_key: row.public_key,
      preshared_key: secrets ? await open(deps, c, row) : null,
      has_preshared_key: row.preshared_key !== null,
      allowed_ips: [row.address, row.address6].filter((address) => address !== null).map(hostRoute),
      wanted: row.wanted,
    })));
    return c.json({ interface: found.server, peers }, 200);
  });
}

/** Null for a key that was sealed under another ENCRYPTION_KEY: that must keep nobody from leaving. */
async function open(
  { presharedKeys }: Pick<Deps, "presharedKeys">,
  c: Context<AppEnv>,
  { id, public_key, preshared_key }: ExportRow,
): Promise<string | null> {
  if (preshared_key === null) return null;
  const place = presharedKeyRow({ tenantId: tenantOf(c), peerId: id, publicKey: public_key });
  try {
    return new TextDecoder().decode(await presharedKeys.open(preshared_key, place));
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    c.get("log").warn("a preshared key does not open, and is left out", { peer_id: id });
    return null;
  }
}
