import { createRoute, z } from "@hono/zod-openapi";
import { canonicalJson } from "../../../lib/audit/canonical.ts";
import { canonicalEntry } from "../../../lib/audit/entry.ts";
import { nextBatch } from "../../../lib/audit/batches.ts";
import { errorFields, type Logger } from "../../../lib/log.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import type { Principal } from "../../context.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { findSession } from "../../middleware/authenticate.ts";
import { type Router } from "../../openapi.ts";
import { csvLine } from "./csv.ts";
import { type Filters, filters } from "./schemas.ts";
import { createRunningExports, type Place } from "./running_exports.ts";
import { type AuditRow, isSearch, selectBetween, selectCeiling, selectNewestId } from "./store.ts";

const formats = ["csv", "ndjson"] as const;
type Format = typeof formats[number];

const columns = [
  ...["id", "at", "actor", "actor_user_id", "action", "outcome", "target_type", "target_id"],
  ...["request_id", "peer_id", "address", "details", "seq", "hash"],
];

const mediaTypes: Record<Format, string> = {
  csv: "text/csv; charset=utf-8; header=present",
  ndjson: "application/x-ndjson",
};

export function exportEntries(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/export",
    operationId: "exportAudit",
    summary: "Export the tenant's audit entries, oldest first",
    description:
      "Streamed; the export itself is audited. Two of a tenant at a time. A line of `ndjson` has the entry in the very bytes that are hashed, and its seal. An answer that is cut off is not complete.",
    ...access(deps, "audit.export", { stepUp: true }),
    request: { query: z.object({ format: z.enum(formats), ...filters }) },
    responses: {
      200: {
        description: "The entries there were when it began",
        content: {
          "text/csv": { schema: z.string() },
          "application/x-ndjson": { schema: z.string() },
        },
      },
    },
  });
  const running = createRunningExports(deps);
  router.openapi(route, async (c) => {
    const { format, ...filters } = c.req.valid("query");
    const tenantId = tenantOf(c);
    const principal = c.get("principal");
    const place = running.begin(tenantId);
    try {
      const upTo = await deps.tenancy.transaction(tenantId, async (sql) => {
        const [newest] = await selectNewestId(sql);
        await writeAudit(sql, {
          tenantId,
          source: auditSource(c),
          action: "audit.export",
          outcome: "succeeded",
          details: { format, filters, up_to_id: newest?.id ?? null },
        });
        return newest?.id ?? "0";
      });
      const day = new Date(deps.clock.now()).toISOString().slice(0, 10);
      const log = c.get("log").with({ request_id: c.get("requestId") });
      return c.body(
        stream(deps, { tenantId, format, filters, upTo, principal, place, log }),
        200,
        {
          "Content-Type": mediaTypes[format],
          "Content-Disposition": `attachment; filename="audit-${tenantId}-${day}.${format}"`,
        },
      );
    } catch (error) {
      place.leave();
      throw error;
    }
  });
}

/** How long a proof of who exports is good for, in ms (A1). */
const proofMs = 500;

/**
 * Reads a batch whenever the client has taken the one before. Between two batches nothing is held: neither a
 * connection nor a transaction, so that a slow client costs nobody anything but the batch that waits for him.
 */
function stream(
  deps: Pick<Deps, "tenancy" | "clock">,
  options: {
    tenantId: TenantId;
    format: Format;
    filters: Filters;
    upTo: string;
    principal: Principal | undefined;
    place: Place;
    log: Logger;
  },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { tenantId, format, filters, upTo, place } = options;
  const encoder = new TextEncoder();
  let after = "0";
  let batch = nextBatch();
  let provenAt = deps.clock.now();

  async function proveAnew(): Promise<void> {
    const now = deps.clock.now();
    if (options.principal?.kind !== "user") return;
    if (Math.abs(now - provenAt) < proofMs) return;
    const found = await findSession(deps, options.principal);
    if (!found?.user.permissions.has("audit.export")) {
      throw new Error("whoever exports may do so no longer");
    }
    provenAt = now;
  }

  /** The next lines; undefined after the last one. Nothing of the entries is kept. */
  async function read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const range = { after, upTo, filters };
      const [beyond] = isSearch(filters)
        ? await deps.tenancy.query(tenantId, (sql) => selectCeiling(sql, range))
        : [];
      const ceiling = beyond?.id;
      const part = { ...range, ...batch, upTo: ceiling ?? upTo };
      const rows = await deps.tenancy.query(tenantId, (sql) => selectBetween(sql, part));
      const next = rows.at(-1)?.id ?? ceiling;
      if (next === undefined) return undefined;
      after = next;
      if (rows.length === 0) continue;
      batch = nextBatch(rows.length);
      return encoder.encode(rows.map(format === "csv" ? asCsv : asNdjson).join(""));
    }
  }

  return new ReadableStream({
    start(controller) {
      if (format === "csv") controller.enqueue(encoder.encode(csvLine(columns)));
    },
    async pull(controller) {
      try {
        place.taken();
        await proveAnew();
        const part = await read();
        if (part) return controller.enqueue(part);
        place.leave();
        controller.close();
      } catch (error) {
        place.leave();
        // The status is out already: the client sees a broken connection.
        options.log.error("an export broke off", errorFields(error));
        controller.error(error);
      }
    },
    cancel: () => place.leave(),
  });
}

function asCsv(row: AuditRow): string {
  const { id, at, actor, actor_user_id, action, outcome, target_type, target_id } = row;
  const { request_id, peer_id, address, details, seq, hash } = row;
  return csvLine([
    ...[id, at, actor, actor_user_id, action, outcome, target_type, target_id],
    ...[request_id, peer_id, address, details, seq, hash],
  ]);
}

function asNdjson(row: AuditRow): string {
  const { entry_hash, hash, sealed_at, seq } = row;
  const seal = seq === null ? null : { entry_hash, hash, sealed_at, seq: Number(seq) };
  return `{"entry":${canonicalEntry(row)},"seal":${canonicalJson(seal)}}\n`;
}
