import { createRoute } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, userOf } from "../../middleware/access.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { holdSession } from "../sessions/mod.ts";
import { renewSecret } from "./renew_secret.ts";
import { keyPath, rotateKeyBody, shownOnce, view } from "./schemas.ts";
import { readApiKey } from "./store.ts";

export function rotateKey(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/rotate",
    operationId: "rotateApiKey",
    summary: "Give one's own key a new secret; the one before stays good for a while",
    ...access(deps, null, { stepUp: true }),
    request: { params: keyPath, ...jsonRequest(rotateKeyBody) },
    responses: {
      200: jsonResponse(shownOnce, "The key with its new secret"),
      ...refusals("grant_exceeds_own", "key_revoked"),
    },
  });
  router.openapi(route, async (c) => {
    const user = userOf(c);
    const { id } = c.req.valid("param");
    const { overlap_seconds } = c.req.valid("json");
    const now = deps.clock.now();
    const own = { userId: user.userId };
    const { row, key } = await deps.tenancy.transaction(user.tenantId, async (sql) => {
      const before = await readApiKey(sql, own, id, { lock: true });
      if (!before) throw new ApiError("not_found");
      if (before.revoked_at) throw new ApiError("key_revoked");
      const key = await renewSecret(sql, c, {
        ...before,
        tenantId: user.tenantId,
        overlapSeconds: overlap_seconds,
        now,
      });
      if (!await holdSession(sql, user)) throw new ApiError("invalid_token");
      return { row: await readApiKey(sql, own, id), key };
    });
    if (!row) throw new ApiError("not_found");
    return c.json({ api_key: view(row), key: key.text }, 200);
  });
}
