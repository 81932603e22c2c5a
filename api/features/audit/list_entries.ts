import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { invalidField } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { entrySchema, filters } from "./schemas.ts";
import { type AuditRow, selectPage } from "./store.ts";

const query = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(100).optional(),
  ...filters,
});

/** A cursor is the last id seen, opaque to clients so that it may change. */
const encodeCursor = (id: string) => btoa(id).replaceAll("=", "");
function decodeCursor(cursor: string): string {
  try {
    const id = atob(cursor);
    if (/^[1-9]\d{0,17}$/.test(id)) return id;
  } catch {
    // Answered below like any other text that is no cursor.
  }
  throw invalidField("cursor", "invalid_cursor", "is not a cursor of this list");
}

export function getEntries(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listAuditEntries",
    summary: "List the tenant's audit entries, newest first",
    ...access(deps, "audit.read"),
    request: { query },
    responses: {
      200: jsonResponse(
        z.object({ items: z.array(entrySchema), next_cursor: z.string().nullable() }),
        "A page of entries",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor, ...filters } = c.req.valid("query");
    const before = cursor === undefined ? null : decodeCursor(cursor);
    const rows = await deps.tenancy.query(
      tenantOf(c),
      (sql) => selectPage(sql, { before, limit: limit + 1, filters }),
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last ? encodeCursor(last.id) : null;
    return c.json({ items: page.map(view), next_cursor }, 200);
  });
}

function view(row: AuditRow) {
  const { at, actor_user_id, action, request_id, peer_id, address } = row;
  return entrySchema.parse({
    id: Number(row.id),
    ...{ at, actor: row.actor, actor_user_id, action, outcome: row.outcome },
    target: row.target_type === null ? null : { type: row.target_type, id: row.target_id },
    ...{ request_id, peer_id, address },
    details: JSON.parse(row.details),
    seal: row.seq === null ? null : { seq: Number(row.seq), hash: row.hash },
  });
}
