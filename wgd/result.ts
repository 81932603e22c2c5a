import type { DesiredPeer } from "./desired.ts";
import type { ObservedInterface } from "./observed.ts";
import type { Scope } from "./pass.ts";
import type { ReconcileResult } from "./protocol.ts";
import type { DesiredTable } from "./table.ts";
import type { Verdict } from "./verdict.ts";

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

/** The answer for those who asked about some peers, or about all. Nothing is claimed that was not read. */
export function resultFor(asked: Scope, findings: Findings): ReconcileResult {
  const result: ReconcileResult = { applied: [], removed: [], failed: [] };
  const ids = asked === "all" ? findings.peers.map((peer) => peer.id) : new Set(asked);
  for (const id of ids) {
    const { state, error } = verdictOf(id, findings);
    if (state === "applied" || state === "removed") result[state].push(id);
    else result.failed.push({ peer_id: id, error: error ?? "not known" });
  }
  return result;
}

function verdictOf(id: string, { verdicts, unread, after, table }: Findings): Verdict {
  if (unread !== null) return { state: "failed", error: unread };
  const verdict = verdicts.get(id);
  if (verdict) return verdict;
  if (!after) return { state: "failed", error: "the interface cannot be read" };
  // No row: purged after its key was read back gone, unless it went in a way that leaves no tombstone.
  const left = table.vanishedKeys(id).some((publicKey) => after.peers.has(publicKey));
  return left
    ? {
      state: "failed",
      error: "its row vanished without a tombstone; its key is left on the interface",
    }
    : { state: "removed", error: null };
}
