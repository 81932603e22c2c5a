import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { ProcessError } from "../../lib/process.ts";
import type { Database } from "../database.ts";
import { isWanted, peerKeys } from "../desired.ts";
import type { DesiredStore } from "../desired/mod.ts";
import { type DesiredTable, nothing, type Purge } from "../desired/table.ts";
import type { TunnelInterface } from "../interface/mod.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Policies } from "../policy/mod.ts";
import type { ReconcileResult } from "../protocol.ts";
import { createRecorder, statusChanges } from "../record/mod.ts";
import type { Receipts } from "../record/receipts.ts";
import type { Seen } from "../seen/mod.ts";
import { judgeAll, type Verdict } from "../seen/verdict.ts";
import type { Snapshot } from "../snapshot/mod.ts";
import type { Traffic } from "../traffic/mod.ts";
import type { Convergence, Converger } from "./converge.ts";
import { foreignKeys, noteDrift, noteUnexplained } from "./drift.ts";
import { type Calm, isSettled, type Proof } from "./proof.ts";
import { maySayRemoved, purgeable } from "./removal.ts";
import { resultFor } from "./result.ts";
import type { Scope } from "./rows.ts";
import { beginTask, type Task } from "./task.ts";

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

/** What the interface showed of the rows. */
interface Shown {
  /** By peer id. */
  readonly verdicts: Map<string, Verdict>;
  /** Undefined when nothing is known of the interface now. */
  readonly found: Convergence | undefined;
  /** When the interface had what the verdicts say, by the monotonic clock. */
  readonly at: number;
}

export function createPass(deps: PassDeps): RunPass {
  const { converger, table, policies, seen, snapshot, traffic, clock, log } = deps;
  const recorder = createRecorder(deps);
  const notes = { table, seen, recorder, log };
  let proof: Proof | undefined;
  let calm: Calm | undefined;
  /** When the first look at everything began, by the monotonic clock: what changed before was not waited for here. */
  let firstPassAt = Infinity;

  const hasRow = (publicKey: string) => table.byKey(publicKey) !== undefined;

  /** True when nothing is left to be looked at. */
  function isProven({ scope, unread, rows, alsoLookAt }: Task): boolean {
    return scope !== "all" && unread === null && seen.observed !== undefined &&
      rows.peers.length + rows.retired.length + alsoLookAt.length === 0;
  }

  /** True when neither the rows nor these settings of the interface have changed since the last full pass. */
  function isCalm({ complete, now }: Task, settings: object): boolean {
    return complete && calm?.version === table.version && calm.settings === settings &&
      now < calm.until;
  }

  /** @throws when nothing is known of the interface now */
  async function converge(task: Task): Promise<Convergence> {
    const { scope, survey, unread, complete, now, rows, alsoLookAt } = task;
    await snapshot.beforeAdding(
      rows.peers.filter((peer) => isWanted(peer, now)).flatMap(peerKeys),
    );
    const found = await converger.converge({
      full: scope === "all",
      survey: survey && { begun: survey, isCurrent: unread === null },
      ...rows,
      alsoLookAt,
      foreign: (observed) => complete ? foreignKeys(table, observed) : [],
      isSettled: (settings) => isCalm(task, settings),
      openings: (observed, forwards) => policies.openings(observed, forwards, now),
      hasRow,
      now,
    });
    if (scope === "all") seen.failures = found.failures.size;
    return found;
  }

  /** The rest of a full pass where {@link isCalm}. */
  async function passQuietly({ signal }: Task, found: Convergence): Promise<void> {
    const { after, ensured, refused } = found;
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
    if (refused) await policies.report({ refused, signal });
  }

  /** What the convergence shows of the rows. */
  function judge({ scope, complete, unread, now, rows }: Task, found: Convergence): Shown {
    const at = performance.now();
    const { after, ensured, lookedAt } = found;
    const verdicts = judgeAll(rows, { ...found, hasRow, now });
    if (scope !== "all" && unread === null) {
      proof = { lookedAt, peers: new Map(rows.peers.map((peer) => [peer.id, peer])), verdicts };
    }
    noteDrift(notes, { rows, found, verdicts, now });
    seen.readBack(after, clock.now());
    traffic.look({
      peers: rows.peers,
      observed: after.peers,
      created: ensured?.created === true,
      all: complete,
    });
    seen.lastError = unread ?? ensured?.faults[0] ?? null;
    return { verdicts, found, at };
  }

  /** What was proven before stays; what was not has failed so far. */
  function fail({ rows }: Task, error: unknown): Shown {
    const words = error instanceof ProcessError ? error.summary : "see the daemon's log";
    const failed: Verdict = { state: "failed", error: `the interface cannot be read: ${words}` };
    seen.lastError = `the interface cannot be worked on: ${
      error instanceof Error ? error.message : "unknown"
    }`;
    seen.observed = undefined;
    log.error("the interface cannot be worked on", errorFields(error));
    return {
      verdicts: new Map(rows.peers.map((peer) => [peer.id, failed])),
      found: undefined,
      at: 0,
    };
  }

  /** Lets what was shown be known: to whoever asks the daemon, and to the database. */
  async function tell(task: Task, shown: Shown): Promise<void> {
    const { scope, started, unread, complete, now, rows } = task;
    const { verdicts } = shown;
    const after = shown.found?.after;
    const purge = after && unread === null
      ? purgeable(table, { scope, rows, after, verdicts })
      : nothing;
    const isSaid = await maySayRemoved({ snapshot, log }, { rows, purge, verdicts, after, now });
    if (scope === "all") seen.verdicts.clear();
    for (const [id, verdict] of verdicts) seen.verdicts.set(id, verdict);
    if (complete && after) {
      noteUnexplained(notes, after);
      firstPassAt = Math.min(firstPassAt, started);
    }
    if (unread === null) await record(task, shown, isSaid ? purge : nothing);
  }

  /** @param purge tombstones of what may be told gone */
  async function record(
    { signal, complete, now, rows }: Task,
    { verdicts, found, at }: Shown,
    purge: Purge,
  ): Promise<void> {
    const written = found ? rows.peers : rows.peers.filter((peer) => !isSettled(peer, now));
    const isWritten = await recorder.write(statusChanges(written, verdicts), purge, signal);
    // What is not recorded will be proven, and recorded, by a later pass.
    if (isWritten && found) seen.meters.proven(rows.peers, { verdicts, since: firstPassAt, at });
    for (const { id } of purge.peers) seen.verdicts.delete(id);
    if (complete && found?.refused) await policies.report({ refused: found.refused, signal });
    const isRight = complete && isWritten && table.retired.size === 0 &&
      rows.peers.every(({ id, tombstone }) => !tombstone && verdicts.get(id)?.state !== "failed");
    calm = found && isRight
      ? {
        version: table.version,
        settings: found.after.settings,
        until: table.nextExpiry(now) ?? Infinity,
      }
      : undefined;
  }

  function end({ scope, started }: Task): void {
    snapshot.passed();
    traffic.passed();
    seen.passDone({
      scope: scope === "all" ? "all" : "some",
      seconds: (performance.now() - started) / 1000,
      at: clock.now(),
    });
  }

  function outcomeOf(
    { all, proven, unread }: Task,
    { verdicts, after, needsFull = false }: {
      verdicts: ReadonlyMap<string, Verdict>;
      after: ObservedInterface | undefined;
      needsFull?: boolean;
    },
  ): PassOutcome {
    return {
      needsFull,
      resultFor: (asked) =>
        resultFor(asked, {
          peers: all.peers,
          verdicts: proven.size === 0 ? verdicts : new Map([...proven, ...verdicts]),
          unread,
          after,
          table,
        }),
    };
  }

  return async (scope, options) => {
    const task = await beginTask(deps, { scope, ...options, proof });
    proof = undefined;
    if (isProven(task)) return outcomeOf(task, { verdicts: new Map(), after: seen.observed });
    let shown: Shown;
    try {
      const found = await converge(task);
      if (isCalm(task, found.before.settings)) {
        await passQuietly(task, found);
        end(task);
        return outcomeOf(task, { verdicts: seen.verdicts, after: found.after });
      }
      shown = judge(task, found);
    } catch (error) {
      shown = fail(task, error);
    }
    await tell(task, shown);
    end(task);
    return outcomeOf(task, {
      verdicts: shown.verdicts,
      after: shown.found?.after,
      needsFull: scope !== "all" && Boolean(shown.found?.ensured),
    });
  };
}
