import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { receiptSchema, viewReceipt } from "./receipts.ts";
import { listReceipts } from "./store.ts";

export function getReceipts(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/receipts",
    operationId: "listReceipts",
    summary: "List the receipts of what was read back gone, newest first",
    description:
      "Kept for 400 days. What exactly is signed stands in docs/decisions/0025-receipts.md.",
    ...access(deps, "wireguard.read"),
    request: {
      query: z.object({
        limit: z.coerce.number().int().min(1).max(200).default(50),
        cursor: z.string().max(18).regex(/^\d{1,18}$/, "is not a cursor of this list").optional(),
        peer_id: z.uuid().toLowerCase().optional(),
      }),
    },
    responses: {
      200: jsonResponse(
        z.object({ items: z.array(receiptSchema), next_cursor: z.string().nullable() }),
        "A page of receipts",
      ),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor = null, peer_id = null } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => listReceipts(sql, { peerId: peer_id, before: cursor, limit: limit + 1 }),
    );
    const items = rows.slice(0, limit).map(viewReceipt);
    return c.json(
      { items, next_cursor: rows.length > limit ? items.at(-1)?.id ?? null : null },
      200,
    );
  });
}
