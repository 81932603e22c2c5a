import { createRoute } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import { makeApiKey } from "../../auth/api_key.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, userOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { futureTime } from "../peers/mod.ts";
import { refuseBeyondOwn } from "../roles/mod.ts";
import { holdSession } from "../sessions/mod.ts";
import { auditKey } from "./audit_key.ts";
import { renewSecret } from "./renew_secret.ts";
import { createdKey, createKeyBody, view } from "./schemas.ts";
import { countLiveKeys, countPeers, insertApiKey, isUnusedKey, readApiKey } from "./store.ts";

/** Keys of one user that are good at a time. */
const mostKeys = 50;

export function createKey(router: Router, deps: Deps): void {
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
    const expiresAt = body.expires_at === undefined
      ? null
      : futureTime("expires_at", body.expires_at, now);
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
      await auditKey(sql, c, user.tenantId, {
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
      const key = await renewSecret(sql, c, {
        ...before,
        tenantId: user.tenantId,
        overlapSeconds: 0,
        now,
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
      if (!await holdSession(sql, user)) throw new ApiError("invalid_token");
      return { row: await readApiKey(sql, own, made.id), key: made.text };
    });
    if (!row) throw new ApiError("not_found");
    c.header("Location", `/api/v1/api-keys/${row.id}`);
    return c.json({ api_key: view(row), key }, 201);
  });
}

/** @throws {ApiError} for a peer that the tenant does not have */
async function holdToPeers(sql: TenantSql, ids: readonly string[] | undefined): Promise<void> {
  if (ids === undefined || await countPeers(sql, ids) === new Set(ids).size) return;
  throw invalidField("allowed_peers", "unknown", "one of these peers does not exist");
}
