import { pauseFor } from "../../lib/pause.ts";
import { stopwatch } from "./stopwatch.ts";

/**
 * Milliseconds between two looks, unless a test says. In a guest (tests/kernel/) looking is expensive, and what
 * is looked at waits meanwhile.
 */
const usualPause = Number(Deno.env.get("MASSACORP_TEST_PAUSE") ?? 25);

/**
 * Asks again until the answer is not undefined or false; for conditions of real things that take their time. Whoever
 * tests how long that may be says so; the others only have to end, on a machine that is slow and busy as well.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 30_000, everyMs = usualPause }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  using watch = stopwatch();
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (watch.ms() > timeoutMs) {
      throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
    }
    await pauseFor(everyMs);
  }
}

/** Lets everything go first that is ready to: one turn of the event loop. */
export const turn = () => pauseFor(0);
