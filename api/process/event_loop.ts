/** How late a timer comes says how long everything else in this process waits, too. */
export interface EventLoopWatch {
  close(): void;
}

const everyMs = 500;

/** @param late takes seconds, twice a second */
export function watchEventLoop(late: (seconds: number) => void): EventLoopWatch {
  let due = performance.now() + everyMs;
  const timer = setInterval(() => {
    const now = performance.now();
    late(Math.max(0, now - due) / 1000);
    due = now + everyMs;
  }, everyMs);
  Deno.unrefTimer(timer);
  return { close: () => clearInterval(timer) };
}
