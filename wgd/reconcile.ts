import type { PassOutcome, RunPass, Scope } from "./pass.ts";
import type { ReconcileResult } from "./protocol.ts";

/** Runs passes one at a time. */
export interface Reconciler {
  /**
   * Looks again at these peers, or at everything, in a pass that begins after this call. A lone request starts at
   * once; those that arrive during a pass share the next one.
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

export function createReconciler(
  runPass: RunPass,
  { onPassed }: { onPassed: () => void },
): Reconciler {
  let next: Batch | undefined;
  let running: Promise<void> | undefined;
  let hurry = new AbortController();
  let stopped = false;

  function enqueue(scope: Scope): Promise<ReconcileResult> {
    const batch: Batch = next ??= { all: false, ids: new Map(), waiting: [] };
    if (scope === "all") batch.all = true;
    else for (const id of scope) batch.ids.set(id, performance.now());
    const answer = Promise.withResolvers<ReconcileResult>();
    batch.waiting.push({ scope, answer });
    return answer.promise;
  }

  async function drain(): Promise<void> {
    while (next && !stopped) {
      const batch = next;
      next = undefined;
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
    }
  }

  return {
    get busy() {
      return running !== undefined;
    },
    request(scope) {
      if (stopped) return Promise.reject(new StoppedError("the daemon is stopping"));
      const answer = enqueue(scope);
      running ??= drain().finally(() => running = undefined);
      return answer;
    },
    hurry: () => hurry.abort(),
    async stop() {
      stopped = true;
      hurry.abort();
      await running;
      for (const { answer } of next?.waiting ?? []) {
        answer.reject(new StoppedError("the daemon is stopping"));
      }
    },
  };
}

export class StoppedError extends Error {
  override name = "StoppedError";
}
