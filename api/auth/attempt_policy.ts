/** What passes for a second factor. */
export type AttemptKind = "totp" | "recovery";

/** Attempts in any 60 seconds, of a user and of a source, successes among them. */
export const attemptsPerMinute: Record<AttemptKind, number> = { totp: 5, recovery: 3 };

/** After so many failures in a row the factor is locked, and again after as many more, each time for twice as long. */
export const failuresUntilFactorLock = 10;

const windowMs = 60_000;
const firstLockMs = 15 * 60_000;
const longestLockMs = 24 * 60 * 60_000;

/** Times in milliseconds since the Unix epoch. */
export interface Attempts {
  recent: readonly number[];
  failures: number;
  lockedUntil: number | null;
}

/** What became of those attempts that still count at `now`. */
export function stillCounting(recent: readonly number[], now: number): number[] {
  return recent.filter((at) => now - at < windowMs);
}

/** Milliseconds until another attempt may be made; 0 where that is now. */
export function waitForAttempt(
  recent: readonly number[],
  { kind, now }: { kind: AttemptKind; now: number },
): number {
  const counting = stillCounting(recent, now).toSorted((a, b) => a - b);
  const free = counting.at(-attemptsPerMinute[kind]);
  // A clock that was set back makes nobody wait longer than the window.
  return free === undefined ? 0 : Math.min(free + windowMs - now, windowMs);
}

/** @param now in ms since the Unix epoch, as `lockedUntil` is */
export function isLocked({ lockedUntil }: Attempts, now: number): boolean {
  return lockedUntil !== null && lockedUntil > now;
}

/** @returns the state after an attempt that was judged, and whether it was the one that locks */
export function judge(
  state: Attempts,
  { passed, now }: { passed: boolean; now: number },
): Attempts & { locks: boolean } {
  const { recent } = state;
  if (passed) return { recent, failures: 0, lockedUntil: null, locks: false };
  const failures = state.failures + 1;
  const locks = failures % failuresUntilFactorLock === 0;
  return {
    recent,
    failures,
    lockedUntil: locks ? now + lockMs(failures / failuresUntilFactorLock) : state.lockedUntil,
    locks,
  };
}

function lockMs(times: number): number {
  return Math.min(firstLockMs * 2 ** Math.min(times - 1, 20), longestLockMs);
}
