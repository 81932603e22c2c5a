import { createMiddleware } from "hono/factory";
import { auditSource, writeAudit } from "../audit.ts";
import type { AppEnv } from "../context.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../errors.ts";

/**
 * Who reached for more than he may is recorded, though nothing came of it: after the transaction that was rolled
 * back, in one of its own. For after the principal's limit, which bounds how many entries he can leave.
 */
export function auditRefusal(deps: Pick<Deps, "tenancy">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    const { error } = c;
    const tenantId = c.get("tenantId");
    if (!(error instanceof ApiError) || error.code !== "grant_exceeds_own") return;
    if (tenantId === undefined) return;
    await deps.tenancy.transaction(tenantId, (sql) =>
      writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "access.refuse",
        outcome: "refused",
        details: {
          code: error.code,
          operation: `${c.req.method} ${c.req.path}`,
          ...(error.detail === undefined ? {} : { detail: error.detail }),
        },
      }));
  });
}
