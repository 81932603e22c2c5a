/** Drift is to be repaired within 5 s (T2), whatever else fails, and a pass takes its time. */
const longestPauseMs = 4_000;

/**
 * Pauses between attempts: the regular one after an attempt that succeeded, and twice as long after each that
 * failed, up to {@link longestPauseMs}, or the regular one where that is longer.
 */
export class Backoff {
  readonly #regularMs: number;
  #pauseMs: number;

  constructor(regularMs: number) {
    this.#regularMs = regularMs;
    this.#pauseMs = regularMs;
  }

  /** How long to wait before the next attempt. */
  after(how: { failed: boolean }): number {
    const longest = Math.max(longestPauseMs, this.#regularMs);
    this.#pauseMs = how.failed ? Math.min(this.#pauseMs * 2, longest) : this.#regularMs;
    return this.#pauseMs;
  }
}
