import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { ProcessError } from "../../lib/process.ts";
import type { Convergence, Converger } from "./converge.ts";
import type { Database } from "../database.ts";
import { isWanted, peerKeys } from "../desired.ts";
import type { DesiredStore } from "../desired/mod.ts";
import { foreignKeys, noteDrift, noteUnexplained } from "./drift.ts";
import type { TunnelInterface } from "../interface/mod.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Policies } from "../policy/mod.ts";
import { promoteSuccessors } from "./promotion.ts";
import { type Calm, isSettled, type Proof, provenBefore } from "./proof.ts";
import type { ReconcileResult } from "../protocol.ts";
import { createRecorder, statusChanges } from "../record/mod.ts";
import type { Receipts } from "../record/receipts.ts";
import { maySayRemoved, purgeable } from "./removal.ts";
import { resultFor } from "./result.ts";
import { readRows, rowsOf, type Scope } from "./rows.ts";
import type { Seen } from "../seen/mod.ts";
import type { Snapshot } from "../snapshot/mod.ts";
import { type DesiredTable, nothing } from "../desired/table.ts";
import type { Traffic } from "../traffic/mod.ts";
import { judgeAll, type Verdict } from "../seen/verdict.ts";

export interface PassOutcome {
  /** The interface was not what it was; everything has to be looked at. */
  readonly needsFull: boolean;
  resultFor(asked: Scope): ReconcileResult;
}

export interface PassDeps {
  readonly interfaceId: number;
  readonly tunnel: Pick<TunnelInterface, "handshakes">;
  readonly converger: Converger;
  readonly database: Database;
  readonly store: DesiredStore;
  readonly table: DesiredTable;
  readonly policies: Policies;
  readonly seen: Seen;
  readonly snapshot: Snapshot;
  readonly receipts: Receipts;
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface PassOptions {
  /** Makes the pass go on without the database, from the rows last read. */
  readonly signal: AbortSignal;
  /** By peer id, when somebody last asked, by the monotonic clock. */
  readonly askedAt: ReadonlyMap<string, number>;
}

/** One pass: reads rows, brings the interface to them, reads it back, and writes down what that showed. */
export type RunPass = (scope: Scope, options: PassOptions) => Promise<PassOutcome>;

export function createPass(deps: PassDeps): RunPass {
  const { converger, table, policies, seen, snapshot, traffic, clock, log } = deps;
  const recorder = createRecorder(deps);
  const notes = { table, seen, recorder, log };
  let proof: Proof | undefined;
  let calm: Calm | undefined;
  /** When the first look at everything began, by the monotonic clock: what changed before was not waited for here. */
  let firstPassAt = Infinity;

  function passDone(scope: "all" | "some", started: number): void {
    seen.passDone({ scope, seconds: (performance.now() - started) / 1000, at: clock.now() });
  }

  /** The rest of a full pass where neither the rows nor the interface have changed since the last one. */
  async function passQuietly(
    found: Convergence,
    { started, signal }: { started: number; signal: AbortSignal },
  ): Promise<PassOutcome> {
    const { after, ensured } = found;
    const isSame = after === seen.observed;
    noteDrift(notes, { rows: { peers: [], retired: [] }, found, verdicts: new Map(), now: 0 });
    seen.readBack(after, clock.now());
    seen.lastError = ensured?.faults[0] ?? null;
    traffic.look({
      peers: table.peers.values(),
      observed: after.peers,
      created: false,
      all: true,
      isSame,
    });
    await recorder.write([], nothing, signal);
    if (found.refused) await policies.report({ refused: found.refused, signal });
    snapshot.passed();
    traffic.passed();
    passDone("all", started);
    const answers = { peers: [...table.peers.values()], verdicts: seen.verdicts, unread: null };
    return {
      needsFull: false,
      resultFor: (asked) => resultFor(asked, { ...answers, after, table }),
    };
  }

  return async (scope, { signal, askedAt }) => {
    const started = performance.now();
    const survey = scope === "all" ? converger.survey() : undefined;
    const unread = await readRows(deps, { scope, signal });
    const now = seen.now();
    await promoteSuccessors(deps, { scope, unread: unread !== null, now, signal });
    const complete = scope === "all" && unread === null;
    const all = rowsOf(scope, table);
    const proven = scope === "all" || unread !== null || !proof
      ? new Map<string, Verdict>()
      : provenBefore(proof, { rows: all, askedAt, now });
    proof = undefined;
    const isCalm = (settings: object) =>
      complete && calm?.version === table.version && calm.settings === settings && now < calm.until;
    const rows = proven.size === 0
      ? all
      : { ...all, peers: all.peers.filter(({ id }) => !proven.has(id)) };
    const alsoLookAt = scope === "all" ? [] : scope.flatMap((id) => table.vanishedKeys(id));
    if (
      scope !== "all" && unread === null && seen.observed &&
      rows.peers.length + rows.retired.length + alsoLookAt.length === 0
    ) {
      const after = seen.observed;
      return {
        needsFull: false,
        resultFor: (asked) =>
          resultFor(asked, { peers: all.peers, verdicts: proven, unread, after, table }),
      };
    }
    let verdicts: Map<string, Verdict>;
    let after: ObservedInterface | undefined;
    let needsFull = false;
    let convergedAt = 0;
    let refused: ReadonlySet<number> | null = null;
    try {
      await snapshot.beforeAdding(
        rows.peers.filter((peer) => isWanted(peer, now)).flatMap(peerKeys),
      );
      const hasRow = (publicKey: string) => table.byKey(publicKey) !== undefined;
      const found = await converger.converge({
        full: scope === "all",
        survey: survey && { begun: survey, isCurrent: unread === null },
        ...rows,
        alsoLookAt,
        foreign: (observed) => complete ? foreignKeys(table, observed) : [],
        isSettled: isCalm,
        openings: (observed, forwards) => policies.openings(observed, forwards, now),
        hasRow,
        now,
      });
      after = found.after;
      refused = found.refused;
      convergedAt = performance.now();
      if (scope === "all") seen.failures = found.failures.size;
      if (isCalm(found.before.settings)) return await passQuietly(found, { started, signal });
      verdicts = judgeAll(rows, { ...found, hasRow, now });
      needsFull = scope !== "all" && found.ensured !== null;
      if (scope !== "all" && unread === null) {
        proof = {
          lookedAt: found.lookedAt,
          peers: new Map(rows.peers.map((peer) => [peer.id, peer])),
          verdicts,
        };
      }
      noteDrift(notes, { rows, found, verdicts, now });
      seen.readBack(after, clock.now());
      traffic.look({
        peers: rows.peers,
        observed: after.peers,
        created: found.ensured?.created === true,
        all: complete,
      });
      seen.lastError = unread ?? found.ensured?.faults[0] ?? null;
    } catch (error) {
      // Nothing is known of the interface now. What was proven before stays; what was not has failed so far.
      const words = error instanceof ProcessError ? error.summary : "see the daemon's log";
      const failed: Verdict = { state: "failed", error: `the interface cannot be read: ${words}` };
      verdicts = new Map(rows.peers.map((peer) => [peer.id, failed]));
      seen.lastError = `the interface cannot be worked on: ${
        error instanceof Error ? error.message : "unknown"
      }`;
      seen.observed = undefined;
      log.error("the interface cannot be worked on", errorFields(error));
    }
    const purge = after && unread === null
      ? purgeable(table, { scope, rows, after, verdicts })
      : nothing;
    const isSaid = await maySayRemoved({ snapshot, log }, { rows, purge, verdicts, after, now });
    if (scope === "all") seen.verdicts.clear();
    for (const [id, verdict] of verdicts) seen.verdicts.set(id, verdict);
    if (complete && after) noteUnexplained(notes, after);
    if (complete && after) firstPassAt = Math.min(firstPassAt, started);
    if (unread === null) {
      const written = after
        ? rows
        : { ...rows, peers: rows.peers.filter((peer) => !isSettled(peer, now)) };
      const changes = statusChanges(written.peers, verdicts);
      const isWritten = await recorder.write(changes, isSaid ? purge : nothing, signal);
      // What is not recorded will be proven, and recorded, by a later pass.
      if (isWritten && after) {
        seen.meters.proven(rows.peers, { verdicts, since: firstPassAt, at: convergedAt });
      }
      if (isSaid) { for (const { id } of purge.peers) seen.verdicts.delete(id); }
      if (complete && refused) await policies.report({ refused, signal });
      calm = complete && after && isWritten && table.retired.size === 0 &&
          rows.peers.every(({ id, tombstone }) =>
            !tombstone && verdicts.get(id)?.state !== "failed"
          )
        ? {
          version: table.version,
          settings: after.settings,
          until: table.nextExpiry(now) ?? Infinity,
        }
        : undefined;
    }
    snapshot.passed();
    traffic.passed();
    passDone(scope === "all" ? "all" : "some", started);
    return {
      needsFull,
      resultFor: (asked) =>
        resultFor(asked, {
          peers: all.peers,
          verdicts: new Map([...proven, ...verdicts]),
          unread,
          after,
          table,
        }),
    };
  };
}
