import type { Logger } from "../../lib/log.ts";
import type { DesiredState } from "../desired.ts";
import type { Convergence } from "./converge.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Recorder } from "../record/mod.ts";
import type { Seen } from "../seen/mod.ts";
import type { DesiredTable } from "../desired/table.ts";
import { driftOf, type Verdict } from "../seen/verdict.ts";

/** Keys that an entry names: it has a bound, and the daemon's own log has all of them. */
const mostKeys = 1_000;

/** Notes what was wrong though no row had changed; an interface made anew has lost its peers as a whole. */
export function noteDrift(
  { table, seen, recorder, log }: {
    table: DesiredTable;
    seen: Seen;
    recorder: Recorder;
    log: Logger;
  },
  { rows, found, verdicts, now }: {
    rows: DesiredState;
    found: Convergence;
    verdicts: ReadonlyMap<string, Verdict>;
    now: number;
  },
): void {
  const { ensured, before, after, foreign } = found;
  if (!ensured) return;
  seen.drift = 0;
  const byHand: string[] = [];
  for (const kind of ensured.drift) {
    seen.countDrift(kind);
    log.warn("drift of the interface was repaired", { kind });
  }
  for (const publicKey of foreign) {
    const isReleased = table.explain(publicKey) === "released";
    if (!isReleased) seen.countDrift("foreign");
    // Only what the read-back lacks was taken off; the rest is tried again, and said by who refused it.
    if (after.peers.has(publicKey)) continue;
    if (isReleased) {
      log.warn("a key without a row was taken off, because an operator decided so", {
        public_key: publicKey,
      });
      continue;
    }
    byHand.push(publicKey);
    log.warn("a peer that was added by hand was taken off", { public_key: publicKey });
  }
  if (ensured.drift.length > 0 || byHand.length > 0) {
    recorder.audit({
      tenantId: null,
      peerId: null,
      action: "wireguard.drift_repaired",
      details: {
        differences: [...ensured.drift, ...(byHand.length > 0 ? ["foreign"] : [])],
        ...(byHand.length > 0 ? { public_keys: byHand.slice(0, mostKeys) } : {}),
      },
    });
  }
  if (ensured.created) return;
  for (const peer of rows.peers) {
    const kinds = driftOf(peer, before.peers, now);
    for (const kind of kinds) seen.countDrift(kind);
    const state = verdicts.get(peer.id)?.state;
    if (kinds.length === 0 || (state !== "applied" && state !== "removed")) continue;
    seen.repaired(peer.id, kinds);
    log.warn("drift of a peer was repaired", { peer_id: peer.id, kinds });
    recorder.audit({
      tenantId: peer.tenantId,
      peerId: peer.id,
      action: "wireguard.drift_repaired",
      details: { differences: kinds },
    });
  }
}

function unexplained(table: DesiredTable, found: ObservedInterface): string[] {
  return [...found.peers.keys()].filter((publicKey) => !table.isExplained(publicKey));
}

/** Keys to take off. Only a complete read tells what was added by hand, and an empty table explains nothing (T7). */
export function foreignKeys(table: DesiredTable, found: ObservedInterface): string[] {
  table.adopt(found.peers.keys());
  const isLost = table.peers.size === 0;
  return unexplained(table, found).filter((publicKey) => {
    const explanation = table.explain(publicKey);
    return explanation === "released" || (explanation === "foreign" && !isLost);
  });
}

/** Says of each key once that it is held until somebody decides. */
export function noteUnexplained(
  { table, seen, log }: { table: DesiredTable; seen: Seen; log: Logger },
  after: ObservedInterface,
): void {
  for (const publicKey of seen.unexplainedAnew(unexplained(table, after))) {
    log.warn("a key on the interface has no row; it is left alone until somebody decides", {
      public_key: publicKey,
    });
  }
}
