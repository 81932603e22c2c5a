import { WgdUnavailable } from "../../../wgd/client.ts";
import type { ObservedPeerView } from "../../../wgd/protocol.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";

/** @throws {ApiError} `other_gateway`: what nobody wrote down, only the daemon beside it knows */
export function holdToOwnGateway(
  { settings }: Pick<Deps, "settings">,
  asked: number | undefined,
): void {
  if (asked !== undefined && asked !== settings.interfaceId) throw new ApiError("other_gateway");
}

/** What the daemon sees on the interface, by public key. @throws {ApiError} `daemon_unavailable` */
export async function observedPeers(
  { wgd }: Pick<Deps, "wgd">,
): Promise<ReadonlyMap<string, ObservedPeerView>> {
  try {
    return new Map((await wgd.peers()).map((peer) => [peer.public_key, peer]));
  } catch (error) {
    if (!(error instanceof WgdUnavailable)) throw error;
    throw new ApiError("daemon_unavailable", { retryAfter: 2, cause: error });
  }
}

type Held = Exclude<ObservedPeerView["explanation"], "row" | "retired">;

/** True for a key that no row and no tombstone explains: it is left alone until somebody decides. */
export function isHeld(
  peer: ObservedPeerView,
): peer is ObservedPeerView & { explanation: Held } {
  return peer.explanation !== "row" && peer.explanation !== "retired";
}
