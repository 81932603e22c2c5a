import { newlyAdded, type ObservedInterface, type ObservedPeer } from "../observed.ts";
import { overlaid } from "../overlay.ts";
import type { Command, PeerChange } from "../plan.ts";

/**
 * What the interface is after `wg` has accepted commands that only add or change peers. For a small pass that is
 * enough to call a row applied, and spares a dump of all peers; the next full pass reads it back. It is not enough
 * for anything that takes a peer or a key off: that is told only after a read-back without it (T3).
 *
 * @param before as known before the commands
 * @returns undefined where something was taken off, or nothing was written
 */
export function acceptedBy(
  commands: readonly Command[],
  before: ObservedInterface,
): ObservedInterface | undefined {
  if (commands.length === 0) return undefined;
  const accepted = new Map<string, ObservedPeer>();
  for (const command of commands) {
    const changes = command.kind === "addconf"
      ? command.changes
      : command.entries.map((entry) => entry.kind === "peer" ? entry.change : undefined);
    for (const change of changes) {
      if (!change) return undefined;
      const known = accepted.get(change.publicKey) ?? before.peers.get(change.publicKey);
      accepted.set(change.publicKey, changed(change, known));
    }
  }
  return { ...before, peers: overlaid(before.peers, accepted), settings: {} };
}

function changed(change: PeerChange, before: ObservedPeer | undefined): ObservedPeer {
  const { publicKey, allowedIps, presharedKey, keepaliveOff } = change;
  if (!before) return newlyAdded({ publicKey, allowedIps, presharedKey: presharedKey ?? null });
  return {
    endpoint: before.endpoint,
    latestHandshake: before.latestHandshake,
    receivedBytes: before.receivedBytes,
    sentBytes: before.sentBytes,
    publicKey,
    allowedIps,
    presharedKey: presharedKey === undefined ? before.presharedKey : presharedKey,
    persistentKeepalive: keepaliveOff ? null : before.persistentKeepalive,
  };
}
