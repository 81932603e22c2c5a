import type { DesiredPeer } from "../desired.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Scope } from "./rows.ts";
import type { ReconcileResult } from "../protocol.ts";
import type { DesiredTable } from "../desired/table.ts";
import type { Verdict } from "../seen/verdict.ts";

/** A verdict, or that there is nothing to judge. */
type Finding = Verdict | { readonly state: "absent"; readonly error: null };

/** What a pass has to answer with. */
export interface Findings {
  readonly peers: readonly DesiredPeer[];
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Why the rows could not be read; null when they were. */
  readonly unread: string | null;
  /** The read-back; undefined when there was none. */
  readonly after: ObservedInterface | undefined;
  readonly table: DesiredTable;
}

/**
 * The answer for those who asked about some peers, or about all. Nothing is claimed that was not read. Of all, only
 * what failed is named: ten thousand ids would take a good part of an idle pass, and nobody reads them.
 */
export function resultFor(asked: Scope, findings: Findings): ReconcileResult {
  const result: ReconcileResult = { applied: [], removed: [], absent: [], failed: [] };
  const ids = asked === "all" ? findings.peers.map((peer) => peer.id) : new Set(asked);
  for (const id of ids) {
    const { state, error } = verdictOf(id, findings);
    if (state === "applied" || state === "removed" || state === "absent") {
      if (asked !== "all") result[state].push(id);
    } else result.failed.push({ peer_id: id, error: error ?? "not known" });
  }
  return result;
}

function verdictOf(id: string, { verdicts, unread, after, table }: Findings): Finding {
  if (unread !== null) return { state: "failed", error: unread };
  const verdict = verdicts.get(id);
  if (verdict) return verdict;
  if (!after) return { state: "failed", error: "the interface cannot be read" };
  // No row: it went in a way that leaves no tombstone, or this daemon purged it after its key was read back
  // gone, or it is none of this interface's.
  const left = table.vanishedKeys(id).some((publicKey) => after.peers.has(publicKey));
  if (left) {
    return {
      state: "failed",
      error: "its row vanished without a tombstone; its key is left on the interface",
    };
  }
  return { state: table.isGone(id) ? "removed" : "absent", error: null };
}
