import { inTime } from "../../lib/in_time.ts";
import { DatabaseUnavailable } from "./errors.ts";

/** Notices a database that hangs: connections stand, and nothing comes back, so that no error ever would. */
export interface Silence {
  /** Carries out work on the database. @throws {DatabaseUnavailable} at once while nothing comes back */
  during<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

interface SilenceOptions {
  /** Milliseconds after which whoever waits has to be told. */
  patienceMs: number;
  /** A question to which a living database has the answer at hand. */
  probe: () => Promise<unknown>;
  /** Nothing came back: whatever is under way is to be given up. */
  onSilence: () => void;
}

/**
 * What answers anything within half the patience lives, however long one statement takes: that is bounded by
 * `statement_timeout`. If nothing was answered for so long while something is asked, a probe has the other half. Then all
 * is given up and refused at once, and the database asked again until it answers.
 */
export function createSilence({ patienceMs, probe, onSilence }: SilenceOptions): Silence {
  const half = patienceMs / 2;
  let underWay = 0;
  let lastSign = 0;
  let probing = false;
  let silent = false;
  let timer: ReturnType<typeof setInterval> | undefined;

  function watch(): void {
    timer ??= setInterval(tick, half / 4);
  }

  function rest(): void {
    clearInterval(timer);
    timer = undefined;
  }

  async function tick(): Promise<void> {
    if (underWay === 0 && !silent) return rest();
    if (probing || (!silent && performance.now() - lastSign < half)) return;
    probing = true;
    const asked = performance.now();
    const answered = await within(half, probe());
    probing = false;
    if (timer === undefined) return;
    if (answered || lastSign > asked) {
      lastSign = performance.now();
      silent = false;
    } else if (!silent) {
      silent = true;
      onSilence();
    }
  }

  return {
    async during(work) {
      if (silent) throw new DatabaseUnavailable("the database does not answer");
      if (underWay++ === 0) lastSign = performance.now();
      watch();
      try {
        const result = await work();
        // A failure may be our own: it was given up.
        lastSign = performance.now();
        return result;
      } finally {
        underWay--;
      }
    },
    close: rest,
  };
}

/** Whether it came to a good end in time. */
function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  return inTime(work, { ms, late: () => new DatabaseUnavailable("no answer in time") })
    .then(() => true, () => false);
}
