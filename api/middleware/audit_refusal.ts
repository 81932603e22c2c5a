import { createMiddleware } from "hono/factory";
import { auditSource, writeAudit } from "../audit/write_audit.ts";
import type { AppEnv } from "../context.ts";
import type { Deps } from "../deps.ts";
import { ApiError, type ErrorCode } from "../errors.ts";

const recorded: ReadonlySet<ErrorCode> = new Set(["grant_exceeds_own", "too_many_mails"]);

/**
 * Who reached for more than he may is recorded, though nothing came of it: after the transaction that was rolled
 * back, in one of its own. For after the principal's limit, which bounds how many entries he can leave.
 */
export function auditRefusal(deps: Pick<Deps, "tenancy">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    const { error } = c;
    const tenantId = c.get("tenantId");
    if (!(error instanceof ApiError) || !recorded.has(error.code)) return;
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
