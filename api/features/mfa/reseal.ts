import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit.ts";
import { asTenantId, type TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import {
  countUnderOtherKeys,
  factorRow,
  lockFactorsOfOtherKeys,
  readTenantIds,
  resealFactor,
} from "./store.ts";

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
    const tenants = await deps.platform.transaction(readTenantIds);
    let resealed = 0;
    const left = new Map<string, number>();
    // Tenant by tenant, some at a time: what was sealed stays so; asked again it goes on.
    for (const { id } of tenants) {
      const tenantId = asTenantId(id);
      for (;;) {
        const count = await resealSome(tenantId);
        resealed += count;
        if (count < atOnce) break;
      }
      const codes = await deps.tenancy.query(tenantId, (sql) => countUnderOtherKeys(sql, keyId));
      for (const { key_id, users } of codes) left.set(key_id, (left.get(key_id) ?? 0) + users);
    }
    const recovery_codes = [...left].map(([key_id, users]) => ({ key_id, users }));
    return c.json({ key_id: keyId, resealed, recovery_codes }, 200);

    function resealSome(tenantId: TenantId): Promise<number> {
      return deps.tenancy.transaction(tenantId, async (sql) => {
        const factors = await lockFactorsOfOtherKeys(sql, { keyId, limit: atOnce });
        for (const { userId, ...sealed } of factors) {
          const row = factorRow({ tenantId, userId });
          const secret = await deps.mfa.secrets.open(sealed, row);
          await resealFactor(sql, { userId, ...await deps.mfa.secrets.seal(secret, row) });
        }
        if (factors.length > 0) {
          await writeAudit(sql, {
            tenantId,
            source: auditSource(c),
            action: "mfa.reseal",
            outcome: "succeeded",
            target: { type: "tenant", id: String(tenantId) },
            details: { factors: factors.length, key_id: keyId },
          });
        }
        return factors.length;
      });
    }
  });
}
