import { createRoute } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { jsonRequest, refusals, type Router } from "../../openapi.ts";
import { applyNow } from "./apply.ts";
import { rekey } from "./hand_over.ts";
import { chooseType, holdToType, provisionResponse } from "./provision.ts";
import { peerId, provisionedResponse, rotatePeerBody } from "./schemas.ts";
import { ownerOf, type PeerScope } from "./scope.ts";
import { lockPeer } from "./store.ts";
import { readPeer } from "./view_store.ts";

export function rotatePeer(router: Router, deps: Deps, scope: PeerScope): void {
  const route = createRoute({
    method: "post",
    path: "/{id}/rotate",
    summary: "Give a peer new keys at its old address",
    description:
      "The old key is taken off the interface in the same step that puts the new one on.",
    ...access(deps, scope.write),
    request: { params: peerId, ...jsonRequest(rotatePeerBody) },
    responses: {
      200: provisionedResponse("The peer with its new configuration and QR code"),
      ...refusals(400, 401, 403, 404, 406, 409, 413, 415, 422, 429, 503),
    },
  });
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const ref = { id, owner: ownerOf(c, scope) };
    const type = chooseType(c, {
      ownKey: body.public_key !== undefined,
      link: body.delivery === "link",
    });
    const now = deps.clock.now();
    const { config, delivery } = await deps.tenancy.transaction(tenantId, async (sql) => {
      const locked = await lockPeer(sql, ref);
      const peer = locked && await readPeer(sql, ref, new Date(now));
      if (!peer) throw new ApiError("not_found");
      const made = await rekey(deps, c, sql, { peer, choice: body, now });
      holdToType(type, made.config);
      return made;
    });
    await applyNow(deps, c, [id]);
    const peer = await deps.tenancy.transaction(
      tenantId,
      (sql) => readPeer(sql, ref, new Date(deps.clock.now())),
    );
    if (!peer) throw new ApiError("not_found");
    return provisionResponse(c, { type, status: 200, peer, config, delivery });
  });
}
