import { pauseFor } from "../../lib/pause.ts";

/**
 * Milliseconds between two looks, unless a test says. In a guest (tests/kernel/) looking is expensive, and what
 * is looked at waits meanwhile.
 */
const usualPause = Number(Deno.env.get("MASSACORP_TEST_PAUSE") ?? 25);

/** Tells how much time this process got no processor for, since the machine stood still or others had it. */
export interface StallWatch extends Disposable {
  readonly ms: number;
}

/** Of a bound that is promised, what nobody could do anything in is no part. */
export function watchStalls(): StallWatch {
  const everyMs = 20;
  let ms = 0;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    ms += Math.max(0, now - last - everyMs);
    last = now;
  };
  const timer = setInterval(look, everyMs);
  return {
    get ms() {
      look();
      return ms;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/**
 * Asks again until the answer is not undefined or false; for conditions of real things that take their time. Whoever
 * tests how long that may be says so; the others only have to end, on a machine that is slow and busy as well.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 30_000, everyMs = usualPause }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  using stalls = watchStalls();
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() - stalls.ms > deadline) {
      throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
    }
    await pauseFor(everyMs);
  }
}

/** Lets everything go first that is ready to: one turn of the event loop. */
export const turn = () => pauseFor(0);
