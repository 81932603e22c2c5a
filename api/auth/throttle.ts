/** After this many failures of one account from one source within the window, the pair is locked. */
export const failuresUntilLock = 10;
export const lockWindowMs = 15 * 60_000;

/**
 * From so many failures of one account from all sources together within the window, the next attempt waits and has to
 * show work, and the owner is told. They never lock: whoever failed elsewhere would lock out the owner (A5).
 */
export const failuresUntilAlarm = 10;

/** From so many failures on, the next attempt of that pair has to show work, where the operator asks for it. */
export const failuresUntilProof = 3;

/** From so many failures on, the next attempt of that pair waits before anything is looked at. */
const failuresUntilDelay = 5;
const longestDelayMs = 2_000;

/**
 * How long an attempt waits after so many failures of its pair of account and source, in ms: 250, then twice as long
 * each time, at most 2 s. Once locked it is not looked at anyway, and takes the time that any failure takes.
 */
export function delayAfter(failures: number): number {
  if (failures < failuresUntilDelay || failures >= failuresUntilLock) return 0;
  return grown(failures - failuresUntilDelay);
}

/** The same after so many failures of an account from all sources together. */
export function delayAfterAnywhere(failures: number): number {
  return failures < failuresUntilAlarm ? 0 : grown(failures - failuresUntilAlarm);
}

function grown(times: number): number {
  return Math.min(250 * 2 ** times, longestDelayMs);
}
