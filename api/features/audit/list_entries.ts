import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { opaque, page, pageOf, pageQuery, readCursor } from "../../paging.ts";
import { entrySchema, filters } from "./schemas.ts";
import { type AuditRow, isSearch, selectFloor, selectPage } from "./store.ts";

const query = pageQuery(z.string().max(100)).extend(filters);

/** Bytes of details on a page, of which one entry is always there. */
const pageBytes = 1024 * 1024;

/** A cursor is the last id seen. */
const idIn = (text: string) => /^[1-9]\d{0,17}$/.exec(text)?.[0];

export function getEntries(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listAuditEntries",
    summary: "List the tenant's audit entries, newest first",
    description:
      "A search by anything but `request_id` and time looks at 20,000 entries: a page with few of them or none is the last one where `next_cursor` is null.",
    ...access(deps, "audit.read"),
    request: { query },
    responses: {
      200: jsonResponse(pageOf(entrySchema), "A page of entries"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor, ...filters } = c.req.valid("query");
    const before = readCursor(cursor, idIn);
    const { floor, rows } = await deps.tenancy.transaction(tenantOf(c), async (sql) => {
      const [beyond] = isSearch(filters) ? await selectFloor(sql, { before, filters }) : [];
      const floor = beyond?.id ?? null;
      const from = { before, floor, limit: limit + 1, bytes: pageBytes, filters };
      return { floor, rows: await selectPage(sql, from) };
    });
    // Entries can be long: a page that holds fewer has its cursor as any other.
    const more = rows.at(-1)?.followed ?? false;
    const found = page(rows, { limit, more, view, cursor: ({ id }) => opaque(id) });
    if (floor !== null) found.next_cursor ??= opaque(String(BigInt(floor) + 1n));
    return c.json(found, 200);
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
