import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { page, pageOf, pageQuery } from "../../paging.ts";
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
      query: pageQuery(z.string().max(18).regex(/^\d{1,18}$/, "is not a cursor of this list"))
        .extend({ peer_id: z.uuid().toLowerCase().optional() }),
    },
    responses: {
      200: jsonResponse(pageOf(receiptSchema), "A page of receipts"),
    },
  });
  router.openapi(route, async (c) => {
    const { limit, cursor = null, peer_id = null } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(
      tenantOf(c),
      (sql) => listReceipts(sql, { peerId: peer_id, before: cursor, limit: limit + 1 }),
    );
    return c.json(page(rows, { limit, view: viewReceipt, cursor: ({ id }) => id }), 200);
  });
}
