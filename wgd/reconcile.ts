import { pauseFor } from "../lib/pause.ts";
import type { PassOutcome, RunPass } from "./pass/mod.ts";
import type { Scope } from "./pass/rows.ts";
import type { ReconcileResult } from "./protocol.ts";

/** Runs passes one at a time. */
export interface Reconciler {
  /**
   * Looks again at these peers, or at everything, in a pass that begins after this call. A lone request starts at
   * once; those that arrive during a pass share the next one, and several of them wait a moment for more. A few
   * peers that were asked for by their ids go before everything.
   */
  request(scope: Scope): Promise<ReconcileResult>;
  readonly busy: boolean;
  /** Makes the running pass go on without the database. */
  hurry(): void;
  /** Lets the running pass end and starts no other. */
  stop(): Promise<void>;
}

interface Batch {
  all: boolean;
  /** With when it was last asked for, by the monotonic clock. */
  readonly ids: Map<string, number>;
  readonly waiting: { scope: Scope; answer: PromiseWithResolvers<ReconcileResult> }[];
}

/**
 * A crowd waits at most so long, and no longer than the pass before it took: a pass costs the same for one peer as
 * for ten, and the API and the database want the processor as well.
 */
const longestGatherMs = 20;
/** So many have a pass before that over everything; of more, it costs as much as everything does. */
const fewIds = 64;

export function createReconciler(
  runPass: RunPass,
  { onPassed, gatherMs = longestGatherMs }: { onPassed: () => void; gatherMs?: number },
): Reconciler {
  let next: Batch | undefined;
  /** Everything was asked for, and has let those with ids go before it once. */
  let isDeferred = false;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let hurry = new AbortController();

  function enqueue(scope: Scope): Promise<ReconcileResult> {
    const batch: Batch = next ??= { all: false, ids: new Map(), waiting: [] };
    if (scope === "all") batch.all = true;
    else for (const id of scope) batch.ids.set(id, performance.now());
    const answer = Promise.withResolvers<ReconcileResult>();
    batch.waiting.push({ scope, answer });
    return answer.promise;
  }

  async function drain(): Promise<void> {
    for (let batch = takeNext(); batch; batch = takeNext()) {
      const started = performance.now();
      hurry = new AbortController();
      let outcome: PassOutcome;
      try {
        const scope = batch.all ? "all" : [...batch.ids.keys()];
        outcome = await runPass(scope, { signal: hurry.signal, askedAt: batch.ids });
      } catch (error) {
        for (const { answer } of batch.waiting) answer.reject(error);
        onPassed();
        continue;
      }
      for (const { scope, answer } of batch.waiting) answer.resolve(outcome.resultFor(scope));
      // Nobody asked for that one; it fails where the daemon's own regular passes do.
      if (outcome.needsFull) enqueue("all").catch(() => {});
      onPassed();
      // Beside everything, a crowd has waited long enough to be one.
      if (!batch.all) await gather(performance.now() - started);
    }
    // In this very moment, so that nobody asks a drain that has ended.
    running = undefined;
  }

  /** What the next pass is about. Everything waits once for a few with ids, and then takes all of them along. */
  function takeNext(): Batch | undefined {
    if (stopping.signal.aborted) return undefined;
    const batch = next;
    next = undefined;
    if (!batch?.all || batch.ids.size === 0 || batch.ids.size > fewIds || isDeferred) {
      isDeferred = false;
      return batch;
    }
    isDeferred = true;
    const ofAll = batch.waiting.filter(({ scope }) => scope === "all");
    next = { all: true, ids: new Map(), waiting: ofAll };
    return {
      all: false,
      ids: batch.ids,
      waiting: batch.waiting.filter(({ scope }) => scope !== "all"),
    };
  }

  /** Lets a crowd grow; one that waits alone has waited enough. */
  async function gather(tookMs: number): Promise<void> {
    const ms = Math.min(tookMs, gatherMs);
    if (!next || next.ids.size < 2 || ms < 1) return;
    await pauseFor(ms, stopping.signal);
  }

  return {
    get busy() {
      return running !== undefined;
    },
    request(scope) {
      if (stopping.signal.aborted) {
        return Promise.reject(new StoppedError("the daemon is stopping"));
      }
      const answer = enqueue(scope);
      running ??= drain();
      return answer;
    },
    hurry: () => hurry.abort(),
    async stop() {
      stopping.abort();
      hurry.abort();
      await running;
      for (const { answer } of next?.waiting ?? []) {
        answer.reject(new StoppedError("the daemon is stopping"));
      }
    },
  };
}

/** What waited for a pass when the daemon ended. */
export class StoppedError extends Error {
  override name = "StoppedError";
}
