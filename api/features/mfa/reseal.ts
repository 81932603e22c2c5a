import { createRoute, z } from "@hono/zod-openapi";
import type { Sealed } from "../../../lib/seal_ring.ts";
import { type AuditSource, auditSource, writeAudit } from "../../audit/write_audit.ts";
import { auditOrder } from "../../audit/audit_order.ts";
import { everyTenant } from "../../database/every_tenant.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { type Resealed, resealRows } from "../../database/reseal_rows.ts";
import { countUnderOtherKeys, factorRow, lockFactorsOfOtherKeys, resealFactor } from "./store.ts";

/** Factors sealed anew in one transaction: few, because log-ins of their users wait for it. */
const atOnce = 50;

const answer = z.object({
  key_id: z.string().openapi({ description: "The key that seals now" }),
  resealed: z.int(),
  recovery_codes: z.array(z.object({ key_id: z.string(), users: z.int() })).openapi({
    description:
      "Older keys, and how many users have recovery codes that are known by them: those cannot be sealed anew, and end with their key",
  }),
}).openapi("Reseal");

/** For a new key: what older ones sealed is opened and sealed under it. */
export function reseal(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/reseal",
    operationId: "resealFactors",
    summary: "Seal every second factor under the newest key",
    ...access(deps, "platform.tenants"),
    responses: {
      200: jsonResponse(answer, "What was sealed, and what an older key is still needed for"),
    },
  });
  router.openapi(route, async (c) => {
    const { keyId } = deps.mfa.secrets;
    let resealed = 0;
    const left = new Map<string, number>();
    const tenants = (await everyTenant(deps.platform)).map(({ id }) => id);
    await auditOrder(deps, c, { tenants, action: "mfa.reseal", details: { key_id: keyId } });
    for (const tenantId of tenants) {
      resealed += (await resealFactors(deps, { tenantId, source: auditSource(c) })).count;
      const codes = await deps.tenancy.query(tenantId, (sql) => countUnderOtherKeys(sql, keyId));
      for (const { key_id, users } of codes) left.set(key_id, (left.get(key_id) ?? 0) + users);
    }
    const recovery_codes = [...left].map(([key_id, users]) => ({ key_id, users }));
    return c.json({ key_id: keyId, resealed, recovery_codes }, 200);
  });
}

/** A tenant's second factors. */
export async function resealFactors(
  deps: Pick<Deps, "tenancy" | "mfa">,
  { tenantId, source }: { tenantId: TenantId; source: AuditSource },
): Promise<Resealed> {
  const { secrets } = deps.mfa;
  const { keyId } = secrets;
  return await resealRows<Sealed & { userId: number }>(deps, {
    tenantId,
    atOnce,
    lock: (sql, { after, limit }) =>
      lockFactorsOfOtherKeys(sql, { keyId, after: after?.userId ?? 0, limit }),
    async reseal(sql, { userId, ...sealed }) {
      const row = factorRow({ tenantId, userId });
      const secret = await secrets.open(sealed, row);
      await resealFactor(sql, { userId, ...await secrets.seal(secret, row) });
    },
    note: (sql, count) =>
      writeAudit(sql, {
        tenantId,
        source,
        action: "mfa.reseal",
        outcome: "succeeded",
        target: { type: "tenant", id: String(tenantId) },
        details: { factors: count, key_id: keyId },
      }),
  });
}
