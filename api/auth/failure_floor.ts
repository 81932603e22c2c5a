import { pauseFor } from "../../lib/pause.ts";
import type { Logger } from "../../lib/log.ts";

/** Time for what waits; the real one but in tests. */
export interface Timer {
  /** Milliseconds that only count up. */
  now(): number;
  pause(ms: number): Promise<void>;
}

export const systemTimer: Timer = {
  now: () => performance.now(),
  pause: (ms) => pauseFor(ms),
};

/** Makes failures of a log-in take the same time, whatever they failed of (A4). */
export interface FailureFloor {
  /**
   * @returns to be awaited before the failure is told; it holds nothing but the request meanwhile. What was waited
   * already for earlier failures comes on top, in ms.
   */
  start(): { wait(waitedMs: number): Promise<void> };
}

/** No comparison lifts the floor beyond this: one that took longer did so for everybody, on a machine that stands still. */
const highest = 10_000;

/**
 * A failure is told at the first whole multiple of the floor after it began. The floor lies above the slowest comparison of
 * a password with a hash: where one was seen to take longer, as bcrypt of a high cost may on a slow machine, the
 * floor rises above it.
 * @param options.leastMs the configured floor
 * @param options.slowestMs the slowest comparison so far, in ms
 */
export function createFailureFloor(
  options: { leastMs: number; slowestMs: () => number; timer: Timer; log: Logger },
): FailureFloor {
  const { timer, log } = options;
  let floor = options.leastMs;

  function current(): number {
    const wanted = Math.min(highest, Math.ceil(options.slowestMs() * 1.5 / 100) * 100);
    if (wanted > floor) {
      floor = wanted;
      log.warn("comparing a password took long; failed log-ins wait longer from now on", {
        failure_floor_ms: floor,
      });
    }
    return floor;
  }

  return {
    start() {
      const started = timer.now();
      return {
        async wait(waitedMs) {
          const step = current();
          const elapsed = Math.max(0, timer.now() - started - waitedMs);
          await timer.pause(Math.max(1, Math.ceil(elapsed / step)) * step - elapsed);
        },
      };
    },
  };
}
