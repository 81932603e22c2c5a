import { createRoute, type z } from "@hono/zod-openapi";
import { type Anchor, type ChainReport, verifyChain } from "../../../lib/audit/chain.ts";
import { type Receipt, receiptHolds, receiptSchema } from "../../../lib/audit/checkpoint.ts";
import { chainLinks, selectLinks, selectUnsealed } from "../../../lib/audit/store.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { verificationSchema } from "./schemas.ts";
import { selectChain } from "./store.ts";

type Verification = z.infer<typeof verificationSchema>;

/** Seconds after which an entry must be sealed. */
const grace = 60;

export function getVerification(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/verify",
    operationId: "verifyAudit",
    summary: "Recompute the tenant's audit chain",
    description:
      "Takes seconds where there are many entries. Against whoever owns the database it proves what the receipts prove that you kept elsewhere, or the operator's `deno task audit:verify`.",
    ...access(deps, "audit.read"),
    responses: {
      200: jsonResponse(verificationSchema, "What was found; look at `intact`"),
    },
  });
  // Who asks while one is under way gets that one: a tenant cannot keep more than one running.
  const running = new Map<TenantId, Promise<Verification>>();
  router.openapi(route, async (c) => {
    const tenantId = tenantOf(c);
    const verification = running.get(tenantId) ??
      verify(deps, tenantId).finally(() => running.delete(tenantId));
    running.set(tenantId, verification);
    const found = await verification;
    if (!found.intact) {
      const { fault_count, unsealed } = found;
      c.get("log").critical("an audit chain does not verify", { tenantId, fault_count, unsealed });
    }
    return c.json(found, 200);
  });
}

async function verify(deps: Deps, tenantId: TenantId): Promise<Verification> {
  const checked_at = new Date(deps.clock.now()).toISOString();
  let end = await readEnd(deps, tenantId);
  let report: ChainReport;
  const read = (part: Omit<Parameters<typeof selectLinks>[1], "tenantId">) =>
    deps.tenancy.query(tenantId, (sql) => selectLinks(sql, { tenantId, ...part }));
  for (;;) {
    const { anchor, place } = end;
    report = await verifyChain(tenantId, chainLinks(anchor?.floor_seq ?? 0, read), {
      anchor,
      places: place ? [place] : [],
    });
    if (report.fault_count === 0) break;
    // A month may have been dropped in the middle of it, as announced: then what was read first is out of date.
    const now = await readEnd(deps, tenantId);
    if (now.anchor?.cut === anchor?.cut) break;
    end = now;
  }
  const [{ n: unsealed }] = await deps.tenancy.query(
    tenantId,
    (sql) => selectUnsealed(sql, { tenantId, olderThan: grace }),
  );
  const { receipt } = end;
  const checkpoint = receipt && {
    n: receipt.statement.n,
    at: receipt.statement.at,
    seq: receipt.leaf.seq,
    holds: receipt.leaf.tenant_id === tenantId && await receiptHolds(receipt),
    receipt,
  };
  const intact = report.fault_count === 0 && unsealed === 0 && !end.garbled &&
    checkpoint?.holds !== false;
  return { intact, checked_at, ...report, unsealed, checkpoint };
}

interface ChainEnd {
  place: { seq: number; hash: string } | null;
  anchor: Anchor | null;
  receipt: Receipt | null;
  /** There is a receipt, and it is none. */
  garbled: boolean;
}

async function readEnd(deps: Pick<Deps, "tenancy">, tenantId: TenantId): Promise<ChainEnd> {
  const [row] = await deps.tenancy.query(tenantId, selectChain);
  const parsed = receiptSchema.nullable().safeParse(row?.receipt ?? null);
  const receipt = parsed.data ?? null;
  return {
    place: row ? { seq: Number(row.seq), hash: row.hash } : null,
    anchor: receipt?.leaf ?? null,
    receipt,
    garbled: !parsed.success,
  };
}
