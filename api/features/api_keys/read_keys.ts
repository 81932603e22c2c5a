import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access } from "../../middleware/access.ts";
import { jsonResponse, type Router } from "../../openapi.ts";
import { opaque, page, pageOf, pageQuery, readCursor } from "../../paging.ts";
import { apiKey, keyPath, usage, view } from "./schemas.ts";
import { reachOf } from "./scope.ts";
import { type ApiKeyRow, listApiKeys, listUsage, readApiKey, type UsageRow } from "./store.ts";

/** Rows of its usage that are shown with a key. */
const usageShown = 200;

/** Where a page of usage begins; a year and characters that the database has. */
const usagePlace = z.tuple([
  z.iso.date().startsWith("2"),
  z.string().regex(/^[\x20-\x7e]{1,200}$/),
]);
function usageIn(text: string) {
  const [day, endpoint] = usagePlace.parse(JSON.parse(text));
  return { day, endpoint };
}

const days = z.coerce.number().int().min(1).max(90).default(30);

export function getKeys(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/",
    operationId: "listApiKeys",
    summary: "One's own keys, or with `api_keys.read` everybody's; oldest first",
    ...access(deps, null),
    request: { query: pageQuery(z.uuid()) },
    responses: {
      200: jsonResponse(pageOf(apiKey), "A page of keys, without their secrets"),
    },
  });
  router.openapi(route, async (c) => {
    const { tenantId, scope } = reachOf(c, "api_keys.read");
    const { limit, cursor } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(
      tenantId,
      (sql) => listApiKeys(sql, scope, { after: cursor ?? null, limit: limit + 1 }),
    );
    return c.json(page(rows, { limit, view, cursor: ({ id }) => id }), 200);
  });
}

export function getKey(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/{id}",
    operationId: "getApiKey",
    summary: "One key, with what it was used for in the last 30 days",
    description: `Its usage is the newest ${usageShown} rows; /usage has all of them.`,
    ...access(deps, null),
    request: { params: keyPath },
    responses: {
      200: jsonResponse(apiKey.extend({ usage: z.array(usage) }), "The key, without its secret"),
    },
  });
  router.openapi(route, async (c) => {
    const { row, items } = await readWithUsage(deps, c, {
      id: c.req.valid("param").id,
      days: 30,
      after: null,
      limit: usageShown,
    });
    return c.json({ ...view(row), usage: items }, 200);
  });
}

export function getKeyUsage(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "get",
    path: "/{id}/usage",
    operationId: "getApiKeyUsage",
    summary: "What a key was used for, by day (UTC) and operation",
    ...access(deps, null),
    request: { params: keyPath, query: pageQuery(z.string().max(500)).extend({ days }) },
    responses: {
      200: jsonResponse(pageOf(usage), "A page, newest first"),
    },
  });
  router.openapi(route, async (c) => {
    const { days, limit, cursor } = c.req.valid("query");
    const after = readCursor(cursor, usageIn);
    const { items } = await readWithUsage(deps, c, {
      id: c.req.valid("param").id,
      days,
      after,
      limit: limit + 1,
    });
    return c.json(
      page(items, {
        limit,
        view: (row) => row,
        cursor: ({ day, endpoint }) => opaque(JSON.stringify([day, endpoint])),
      }),
      200,
    );
  });
}

/** A key that the caller may see, with a part of what it was used for. @throws {ApiError} `not_found` */
async function readWithUsage(
  deps: Deps,
  c: Context<AppEnv>,
  { id, ...page }: { id: string } & Omit<Parameters<typeof listUsage>[2], "now">,
): Promise<{ row: ApiKeyRow; items: UsageRow[] }> {
  const { tenantId, scope } = reachOf(c, "api_keys.read");
  return await deps.tenancy.transaction(tenantId, async (sql) => {
    const row = await readApiKey(sql, scope, id);
    if (!row) throw new ApiError("not_found");
    const now = new Date(deps.clock.now());
    return { row, items: await listUsage(sql, id, { ...page, now }) };
  });
}
