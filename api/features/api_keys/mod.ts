import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import type { AuditAction } from "../../../lib/audit/actions.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { makeApiKey } from "../../auth/api_key.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, tenantOf, userOf } from "../../middleware/access.ts";
import { createRouter, jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { opaque, page, pageOf, pageQuery, readCursor } from "../../paging.ts";
import { refuseBeyondOwn } from "../roles/mod.ts";
import { apiKey, createdKey, createKeyBody, rotateKeyBody, shownOnce, usage } from "./schemas.ts";
import {
  type ApiKeyRow,
  countLiveKeys,
  countPeers,
  insertApiKey,
  isUnusedKey,
  type KeyScope,
  listApiKeys,
  listUsage,
  readApiKey,
  replaceSecret,
  revokeApiKey,
} from "./store.ts";

/** Keys of one user that are good at a time. */
const mostKeys = 50;
const id = z.object({ id: z.uuid() });
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

function view(row: ApiKeyRow): z.infer<typeof apiKey> {
  const time = (date: Date | null) => date?.toISOString() ?? null;
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    expires_at: time(row.expires_at),
    revoked_at: time(row.revoked_at),
    last_used_at: time(row.last_used_at),
    previous_secret_until: time(row.previous_secret_until),
  };
}

/**
 * Whose keys the caller may see, or decide over: his own, with the permission everybody's, and as the operator
 * everybody's of the tenant that he names.
 */
function reachOf(
  c: Context<AppEnv>,
  permission: "api_keys.read" | "api_keys.write",
): { tenantId: TenantId; scope: KeyScope } {
  if (c.get("principal")?.kind === "operator") {
    return { tenantId: tenantOf(c), scope: { userId: null } };
  }
  const user = userOf(c);
  const userId = user.permissions.has(permission) ? null : user.userId;
  return { tenantId: user.tenantId, scope: { userId } };
}

/** `/api/v1/api-keys`: a user's own, and with a permission everybody's of the tenant. Never by a key itself. */
export function apiKeysFeature(deps: Deps): Router {
  const router = createRouter();
  createKey(router, deps);
  readKeys(router, deps);
  changeKeys(router, deps);
  return router;
}

function createKey(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/",
    operationId: "createApiKey",
    summary: "Make an API key; it is shown this once",
    ...access(deps, null, { stepUp: true }),
    request: { headers: idempotencyHeader, ...jsonRequest(createKeyBody) },
    responses: {
      201: jsonResponse(createdKey, "The key"),
      ...refusals("grant_exceeds_own", "too_many_keys"),
    },
  });
  router.openapi(route, async (c) => {
    const user = userOf(c);
    const body = c.req.valid("json");
    refuseBeyondOwn(user, body.scopes);
    const now = deps.clock.now();
    const expiresAt = body.expires_at === undefined ? null : new Date(body.expires_at);
    if (expiresAt && expiresAt.getTime() <= now) {
      throw invalidField("expires_at", "in_the_past", "must be in the future");
    }
    const own = { userId: user.userId };
    const make = async (sql: TenantSql) => {
      const key = makeApiKey();
      const keyId = uuidv7({ msecs: now });
      await holdToPeers(sql, body.allowed_peers);
      if (await countLiveKeys(sql, user.userId, new Date(now)) >= mostKeys) {
        throw new ApiError("too_many_keys", { detail: `a user may have ${mostKeys} keys` });
      }
      await insertApiKey(sql, {
        tenantId: user.tenantId,
        id: keyId,
        userId: user.userId,
        name: body.name,
        prefix: key.prefix,
        digest: key.digest,
        scopes: body.scopes,
        at: new Date(now),
        expiresAt,
        rateLimit: body.rate_limit ?? null,
        allowedPeers: body.allowed_peers ?? null,
      });
      await record(sql, c, user.tenantId, {
        action: "api_key.create",
        id: keyId,
        details: { name: body.name, scopes: body.scopes, expires_at: body.expires_at ?? null },
      });
      return { id: keyId, digest: key.digest, text: key.text };
    };
    const repeat = async (sql: TenantSql, earlier: string) => {
      const [id = "", hex = ""] = earlier.split(" ");
      const before = await readApiKey(sql, own, id, { lock: true });
      if (!before) throw new ApiError("not_found");
      const digest = Uint8Array.fromHex(hex);
      if (!await isUnusedKey(sql, { id, digest, now: new Date(now) })) {
        return { id, digest, text: null };
      }
      const key = makeApiKey(before.prefix);
      await replaceSecret(sql, { id, digest: key.digest, previousUntil: null });
      await record(sql, c, user.tenantId, {
        action: "api_key.rotate",
        id,
        details: { overlap_seconds: 0 },
      });
      return { id, digest: key.digest, text: key.text };
    };
    const asked = await idempotencyKey(c);
    const { row, key } = await deps.tenancy.transaction(user.tenantId, async (sql) => {
      const made = await createOnce(sql, asked, {
        tenantId: user.tenantId,
        now,
        make: () => make(sql),
        repeat: (earlier) => repeat(sql, earlier),
        of: ({ id, digest }) => `${id} ${digest.toHex()}`,
      });
      return { row: await readApiKey(sql, own, made.id), key: made.text };
    });
    if (!row) throw new ApiError("not_found");
    c.header("Location", `/api/v1/api-keys/${row.id}`);
    return c.json({ api_key: view(row), key }, 201);
  });
}

function readKeys(router: Router, deps: Deps): void {
  const list = createRoute({
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
  router.openapi(list, async (c) => {
    const { tenantId, scope } = reachOf(c, "api_keys.read");
    const { limit, cursor } = c.req.valid("query");
    const rows = await deps.tenancy.transaction(
      tenantId,
      (sql) => listApiKeys(sql, scope, { after: cursor ?? null, limit: limit + 1 }),
    );
    return c.json(page(rows, { limit, view, cursor: ({ id }) => id }), 200);
  });

  const days = { days: z.coerce.number().int().min(1).max(90).default(30) };
  const found = async (
    c: Context<AppEnv>,
    keyId: string,
    page: Omit<Parameters<typeof listUsage>[2], "now">,
  ) => {
    const { tenantId, scope } = reachOf(c, "api_keys.read");
    return await deps.tenancy.transaction(tenantId, async (sql) => {
      const row = await readApiKey(sql, scope, keyId);
      if (!row) throw new ApiError("not_found");
      const now = new Date(deps.clock.now());
      return { row, items: await listUsage(sql, keyId, { ...page, now }) };
    });
  };

  const get = createRoute({
    method: "get",
    path: "/{id}",
    operationId: "getApiKey",
    summary: "One key, with what it was used for in the last 30 days",
    description: `Its usage is the newest ${usageShown} rows; /usage has all of them.`,
    ...access(deps, null),
    request: { params: id },
    responses: {
      200: jsonResponse(apiKey.extend({ usage: z.array(usage) }), "The key, without its secret"),
    },
  });
  router.openapi(get, async (c) => {
    const { row, items } = await found(c, c.req.valid("param").id, {
      days: 30,
      after: null,
      limit: usageShown,
    });
    return c.json({ ...view(row), usage: items }, 200);
  });

  const getUsage = createRoute({
    method: "get",
    path: "/{id}/usage",
    operationId: "getApiKeyUsage",
    summary: "What a key was used for, by day (UTC) and operation",
    ...access(deps, null),
    request: { params: id, query: pageQuery(z.string().max(500)).extend(days) },
    responses: {
      200: jsonResponse(pageOf(usage), "A page, newest first"),
    },
  });
  router.openapi(getUsage, async (c) => {
    const { days, limit, cursor } = c.req.valid("query");
    const after = readCursor(cursor, usageIn);
    const { items } = await found(c, c.req.valid("param").id, { days, after, limit: limit + 1 });
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

function changeKeys(router: Router, deps: Deps): void {
  const revoke = createRoute({
    method: "delete",
    path: "/{id}",
    operationId: "revokeApiKey",
    summary: "Revoke a key: one's own, or with `api_keys.write` anybody's",
    ...access(deps, null),
    request: { params: id },
    responses: {
      200: jsonResponse(apiKey, "The key, revoked"),
    },
  });
  router.openapi(revoke, async (c) => {
    const { id } = c.req.valid("param");
    const { tenantId, scope } = reachOf(c, "api_keys.write");
    const row = await deps.tenancy.transaction(tenantId, async (sql) => {
      const before = await readApiKey(sql, scope, id, { lock: true });
      if (!before) throw new ApiError("not_found");
      if (before.revoked_at) return before;
      await revokeApiKey(sql, id, new Date(deps.clock.now()));
      await record(sql, c, tenantId, {
        action: "api_key.revoke",
        id,
        details: { name: before.name },
      });
      return await readApiKey(sql, scope, id);
    });
    if (!row) throw new ApiError("not_found");
    return c.json(view(row), 200);
  });

  const rotate = createRoute({
    method: "post",
    path: "/{id}/rotate",
    operationId: "rotateApiKey",
    summary: "Give one's own key a new secret; the one before stays good for a while",
    ...access(deps, null, { stepUp: true }),
    request: { params: id, ...jsonRequest(rotateKeyBody) },
    responses: {
      200: jsonResponse(shownOnce, "The key with its new secret"),
      ...refusals("grant_exceeds_own", "key_revoked"),
    },
  });
  router.openapi(rotate, async (c) => {
    const user = userOf(c);
    const { id } = c.req.valid("param");
    const { overlap_seconds } = c.req.valid("json");
    const now = deps.clock.now();
    const own = { userId: user.userId };
    const { row, key } = await deps.tenancy.transaction(user.tenantId, async (sql) => {
      const before = await readApiKey(sql, own, id, { lock: true });
      if (!before) throw new ApiError("not_found");
      if (before.revoked_at) throw new ApiError("key_revoked");
      const key = makeApiKey(before.prefix);
      const until = overlap_seconds > 0 ? new Date(now + overlap_seconds * 1000) : null;
      await replaceSecret(sql, { id, digest: key.digest, previousUntil: until });
      await record(sql, c, user.tenantId, {
        action: "api_key.rotate",
        id,
        details: { overlap_seconds },
      });
      return { row: await readApiKey(sql, own, id), key };
    });
    if (!row) throw new ApiError("not_found");
    return c.json({ api_key: view(row), key: key.text }, 200);
  });
}

/** @throws {ApiError} for a peer that the tenant does not have */
async function holdToPeers(sql: TenantSql, ids: readonly string[] | undefined): Promise<void> {
  if (ids === undefined || await countPeers(sql, ids) === new Set(ids).size) return;
  throw invalidField("allowed_peers", "unknown", "one of these peers does not exist");
}

async function record(
  sql: TenantSql,
  c: Context<AppEnv>,
  tenantId: TenantId,
  entry: {
    action: AuditAction;
    id: string;
    details: Record<string, string | number | string[] | null>;
  },
): Promise<void> {
  await writeAudit(sql, {
    tenantId,
    source: auditSource(c),
    action: entry.action,
    outcome: "succeeded",
    target: { type: "api_key", id: entry.id },
    details: entry.details,
  });
}
