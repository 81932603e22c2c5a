import type { Context } from "hono";
import type { Permission } from "../../auth/permissions.ts";
import type { AppEnv } from "../../context.ts";
import { ApiError } from "../../errors.ts";

/** Whose peers the operations of a mount are about. */
export interface PeerScope {
  /** Null where being logged in is enough. */
  read: Permission | null;
  write: Permission | null;
  /** Only peers that the caller owns; every other one is unknown. */
  own: boolean;
}

/** `/wireguard/peers`: all of the tenant. */
export const tenantPeers: PeerScope = {
  read: "wireguard.read",
  write: "wireguard.write",
  own: false,
};
/** `/wireguard/me/peers`: self-service. */
export const ownPeers: PeerScope = { read: null, write: null, own: true };

/** The owner that peers must have, or null where any will do. */
export function ownerOf(c: Context<AppEnv>, scope: PeerScope): number | null {
  if (!scope.own) return null;
  const principal = c.get("principal");
  // The operator is no user, and owns nothing.
  if (principal?.kind !== "user") throw new ApiError("forbidden");
  return principal.userId;
}

/** Who decides over a peer: what an admin (or the operator) decided, its owner does not undo. */
export const deciders = ["owner", "admin"] as const;
export type Decider = typeof deciders[number];

export function deciderIn(scope: PeerScope): Decider {
  return scope.own ? "owner" : "admin";
}

/** One peer, where the caller may see it. */
export interface PeerRef {
  id: string;
  owner: number | null;
}
