import { errorFields, type Logger } from "../../lib/log.ts";
import { type DesiredPeer, type DesiredState, peerKeys } from "../desired.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Scope } from "./rows.ts";
import type { Snapshot } from "../snapshot/mod.ts";
import { SnapshotError } from "../snapshot/file.ts";
import type { DesiredTable, Purge } from "../desired/table.ts";
import type { Verdict } from "../seen/verdict.ts";

/** Tombstones of what the read-back proves gone. */
export function purgeable(
  table: DesiredTable,
  { scope, rows, after, verdicts }: {
    scope: Scope;
    rows: DesiredState;
    after: ObservedInterface;
    verdicts: ReadonlyMap<string, Verdict>;
  },
): Purge {
  return {
    peers: rows.peers.filter((peer) =>
      peer.tombstone && verdicts.get(peer.id)?.state === "removed"
    ),
    // A key that a row wants again needs no tombstone; but only one snapshot of all rows shows that.
    retired: rows.retired.filter(({ publicKey }) =>
      table.byKey(publicKey) ? scope === "all" : !after.peers.has(publicKey)
    ),
    released: scope !== "all"
      ? []
      : [...table.released].filter((publicKey) =>
        table.isExplained(publicKey) || !after.peers.has(publicKey)
      ),
  };
}

/**
 * Removals may be told once no snapshot can undo them (T3). Where that cannot be had, they have failed so far.
 * @returns whether they may be told; if not, their verdicts were changed
 */
export async function maySayRemoved(
  { snapshot, log }: { snapshot: Snapshot; log: Logger },
  { rows, purge, verdicts, after, now }: {
    rows: DesiredState;
    purge: Purge;
    verdicts: Map<string, Verdict>;
    after: ObservedInterface | undefined;
    /** Milliseconds since the Unix epoch. */
    now: number;
  },
): Promise<boolean> {
  const removed = rows.peers.filter((peer) => verdicts.get(peer.id)?.state === "removed");
  const keys = (of: readonly { publicKey: string }[]) => of.map(({ publicKey }) => publicKey);
  try {
    await snapshot.beforeSaying({
      removed: removed.flatMap(peerKeys),
      purged: [
        ...keys([...purge.peers, ...purge.retired]),
        ...purge.released,
      ].filter((publicKey) => !after?.peers.has(publicKey)),
      expiry: latestExpiry(removed, now),
    });
    return true;
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    log.error("a removal cannot be noted in the snapshot", errorFields(error));
    const failed: Verdict = {
      state: "failed",
      error: "it is off the interface, but a snapshot that might bring it back cannot be mended",
    };
    for (const { id } of removed) verdicts.set(id, failed);
    return false;
  }
}

/** Milliseconds since the Unix epoch; 0 where none of them has expired. */
function latestExpiry(peers: readonly DesiredPeer[], now: number): number {
  let latest = 0;
  for (const { expiresAt } of peers) {
    if (expiresAt !== null && expiresAt <= now && expiresAt > latest) latest = expiresAt;
  }
  return latest;
}
