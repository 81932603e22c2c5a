import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../errors.ts";
import { countSource } from "./limit.ts";
import { refuseTunnel } from "./tunnel_rules.ts";

/** What an enrolment peer may ask for. */
const forEnrolment = new Set([
  "/accept",
  "/verify",
  "/reset",
  "/api/v1/info",
  "/api/v1/wireguard/deliveries",
  "/api/v1/users/invitations/accept",
  "/api/v1/auth/verify-email",
  "/api/v1/password-reset/request",
  "/api/v1/password-reset/confirm",
]);

function servesEnrolment(path: string): boolean {
  return forEnrolment.has(path.replace(/\/$/, "")) ||
    /^\/api\/v1\/password-reset\/validate\/[^/]+\/?$/.test(path);
}

/**
 * On the tunnel, finds the peer behind the request. WireGuard has authenticated the source address, so it
 * says which peer speaks (T10). A request of no live peer is refused: it was revoked a moment ago. That is in no
 * tenant's audit log, because nothing says whose peer it was.
 */
export function tunnel(deps: Pick<Deps, "lookups" | "limits" | "tenancy">) {
  const fromPeer = createMiddleware<AppEnv>(async (c, next) => {
    const peer = c.env.address === null ? undefined : await deps.lookups.peer(c.env.address);
    if (!peer) throw new ApiError("wrong_tunnel");
    c.set("peer", peer);
    if (peer.kind === "enrolment" && !servesEnrolment(c.req.path)) {
      // Each leaves an entry, so their number is bounded here: their operation's limit is not reached.
      await countSource(deps, c, "anonymous");
      await refuseTunnel(deps, c, { reason: "enrolment peer", code: "enrolment_only" });
    }
    await next();
  });
  return createMiddleware<AppEnv>((c, next) =>
    c.env.listener === "tunnel" ? fromPeer(c, next) : next()
  );
}
