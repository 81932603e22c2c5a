import { createRoute, z } from "@hono/zod-openapi";
import { canonicalJson } from "../../../lib/audit/canonical.ts";
import { canonicalEntry } from "../../../lib/audit/entry.ts";
import { inSlices } from "../../../lib/audit/slices.ts";
import { errorFields, type Logger } from "../../../lib/log.ts";
import { auditSource, writeAudit } from "../../audit.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { type Router } from "../../openapi.ts";
import { csvLine } from "./csv.ts";
import { type Filters, filters } from "./schemas.ts";
import { type AuditRow, selectBetween, selectNewestId } from "./store.ts";

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

/** Entries that are read, and held in memory, at a time: 25 MB where each is as long as can be. */
const batchSize = 200;

export function exportEntries(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/export",
    operationId: "exportAudit",
    summary: "Export the tenant's audit entries, oldest first",
    description:
      "Streamed; the export itself is audited. A line of `ndjson` has the entry in the very bytes that are hashed, and its seal. An answer that is cut off is not complete.",
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
  router.openapi(route, async (c) => {
    const { format, ...filters } = c.req.valid("query");
    const tenantId = tenantOf(c);
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
    return c.body(
      stream(deps, {
        tenantId,
        format,
        filters,
        upTo,
        log: c.get("log").with({ request_id: c.get("requestId") }),
      }),
      200,
      {
        "Content-Type": mediaTypes[format],
        "Content-Disposition": `attachment; filename="audit-${tenantId}-${day}.${format}"`,
      },
    );
  });
}

/**
 * Reads a batch whenever the client has taken the one before. Between two batches nothing is held: neither a
 * connection nor a transaction, so that a slow client costs nobody anything.
 */
function stream(
  deps: Pick<Deps, "tenancy">,
  options: { tenantId: TenantId; format: Format; filters: Filters; upTo: string; log: Logger },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { tenantId, format, filters, upTo, log } = options;
  const encoder = new TextEncoder();
  const parts = (async function* () {
    for (let after = "0";;) {
      const range = { after, upTo, limit: batchSize, filters };
      const rows = await deps.tenancy.query(tenantId, (sql) => selectBetween(sql, range));
      for await (const slice of inSlices(rows, (row) => row.details.length)) {
        yield encoder.encode(slice.map(format === "csv" ? asCsv : asNdjson).join(""));
      }
      after = rows.at(-1)?.id ?? after;
      if (rows.length < batchSize) return;
    }
  })();
  return new ReadableStream({
    start(controller) {
      if (format === "csv") controller.enqueue(encoder.encode(csvLine(columns)));
    },
    async pull(controller) {
      try {
        const part = await parts.next();
        if (part.done) controller.close();
        else controller.enqueue(part.value);
      } catch (error) {
        // The status is out already: the client sees a broken connection.
        log.error("an export broke off", errorFields(error));
        controller.error(error);
      }
    },
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
