import { createRoute, z } from "@hono/zod-openapi";
import { isWireGuardKey } from "../../../lib/wireguard_key.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { auditOrder } from "../../audit/audit_order.ts";
import { everyTenant } from "../../database/every_tenant.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { queueMail } from "../../mail/mod.ts";
import { access } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { gatewayId } from "./schemas.ts";
import { countPeersOn, listAdmins, readGatewayState, wasKeyAnnounced } from "./store.ts";

const body = z.strictObject({
  next_public_key: z.string()
    .refine(isWireGuardKey, "must be a WireGuard key: the base64 of 32 bytes")
    .openapi({
      example: "YWxsIGNsaWVudHMgbmVlZCB0aGlzIGxpbmUgdGhlbi4=",
      pattern: "^[A-Za-z0-9+/]{43}=$",
      maxLength: 44,
    }),
  at: z.iso.datetime({ offset: true }).openapi({
    description: "The moment of the cut-over, which lies ahead",
    example: "2030-01-31T20:00:00Z",
  }),
});

const answer = z.object({
  tenants: z.int().openapi({ description: "Tenants with peers on the gateway" }),
  mails: z.int().openapi({ description: "Queued now, one an admin" }),
  without_admin: z.array(z.int()).openapi({
    description: "Tenants with peers and without an active admin: nobody was told",
  }),
}).openapi("KeyAnnouncement");

/** The key itself is changed on the gateway's host: nothing here could (docs/decisions/0112). */
export function announceKey(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/key-announcement",
    operationId: "announceGatewayKey",
    summary: "Tell the admins of all tenants by mail that a gateway's key will change, and when",
    description:
      "A mail to each active admin of each tenant with peers on it, in that user's language. Tenants that were told the same already are passed over: asked again after it was cut off, it goes on.",
    ...access(deps, "platform.wireguard"),
    request: { params: gatewayId, ...jsonRequest(body) },
    responses: { 200: jsonResponse(answer, "Who was told"), ...refusals("gateway_not_ready") },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { next_public_key: nextPublicKey, at: moment } = c.req.valid("json");
    const at = new Date(moment).toISOString();
    // With a sign where an offset leads into a year that RFC 3339 cannot write.
    if (Date.parse(at) <= deps.clock.now() || at.startsWith("+")) {
      throw invalidField("at", "invalid_value", "must lie ahead, before the year 10000");
    }
    const look = async (sql: TenantSql) => {
      const gateway = await readGatewayState(sql, id);
      if (!gateway) throw new ApiError("not_found");
      // Announced, and its daemon never there: it has no key that could change.
      if (gateway.public_key === null) throw new ApiError("gateway_not_ready", { retryAfter: 2 });
      if (gateway.public_key === nextPublicKey) {
        throw invalidField("next_public_key", "invalid_value", "is the key that it has");
      }
      return { endpoint: gateway.endpoint, publicKey: gateway.public_key };
    };
    const tenants = await everyTenant(deps.platform);
    const announced = {
      action: "wireguard.gateway_key_announced" as const,
      target: { type: "wg_interface", id: String(id) },
      details: { next_public_key: nextPublicKey, cut_over_at: at },
    };
    await auditOrder(deps, c, { ...announced, tenants: tenants.map(({ id }) => id) }, look);
    const told = { tenants: 0, mails: 0, without_admin: [] as number[] };
    for (const { id: tenantId, name } of tenants) {
      await deps.tenancy.transaction(tenantId, async (sql) => {
        const { endpoint, publicKey } = await look(sql);
        const peers = await countPeersOn(sql, id);
        if (peers === 0) return;
        told.tenants++;
        if (await wasKeyAnnounced(sql, { id, nextPublicKey, at })) return;
        const admins = await listAdmins(sql);
        if (admins.length === 0) told.without_admin.push(tenantId);
        for (const { to, locale } of admins) {
          await queueMail(deps, sql, {
            tenantId,
            to,
            locale,
            template: "gateway_key",
            data: { at, tenantName: name, endpoint, publicKey, nextPublicKey, peers },
          });
        }
        told.mails += admins.length;
        await writeAudit(sql, {
          ...announced,
          tenantId,
          source: auditSource(c),
          outcome: "succeeded",
          details: { ...announced.details, mails: admins.length },
        });
      });
    }
    return c.json(told, 200);
  });
}
