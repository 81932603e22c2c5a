/** Ends the wait: what was waited for has come. */
export type Come = () => void;

/**
 * How long somebody waits for what nearly always comes at once: one timer for all who wait, where one each would cost
 * more than what is waited for. The one who began first is the first to have waited too long, so that only he is
 * looked at. Nothing is kept alive by it.
 * @returns begins a wait, of which `late` is told unless it was ended within so many ms
 */
export function createPatience(ms: number): (late: () => void) => Come {
  const waiting = new Set<{ until: number; late: () => void }>();
  let timed = false;

  function look(): void {
    timed = false;
    const now = performance.now();
    for (const each of waiting) {
      if (each.until > now) return arm(each.until - now);
      waiting.delete(each);
      each.late();
    }
  }

  function arm(afterMs: number): void {
    timed = true;
    // A timer may come a little before its time.
    Deno.unrefTimer(setTimeout(look, Math.ceil(afterMs)));
  }

  return (late) => {
    const each = { until: performance.now() + ms, late };
    waiting.add(each);
    if (!timed) arm(ms);
    return () => waiting.delete(each);
  };
}
