/** How long the parent of a presented token stays good, for answers that got lost on their way. */
export const graceMs = 10_000;

/** The refresh state of a session row, times in ms since the epoch. */
export interface RefreshState {
  /** The counter of the newest token. */
  counter: number;
  /** When the newest token was made, which is when its parent was presented. */
  rotatedAt: number;
  endedAt: number | null;
  /** The absolute end of the session. */
  expiresAt: number;
}

/**
 * - `rotate`: the newest token was presented; make the next one.
 * - `repeat`: an ancestor that may still be in use; hand out the newest one again.
 * - `reuse`: a token that nobody honest presents any more; the session ends.
 * - `over`: the session has ended already.
 */
export type RefreshDecision = "rotate" | "repeat" | "reuse" | "over";

/**
 * Decides over a presented refresh token (RFC 9700, section 4.14.2, with room for retries):
 *
 * ```
 *   presented     newest n          n - 1             n - 2                     older
 *   decision      rotate            repeat            repeat for 10 s, then     reuse
 *                                   (its child n was  reuse (its child n - 1
 *                                   not presented)    was presented at rotatedAt)
 * ```
 */
export function decideRefresh(
  state: RefreshState,
  presented: number,
  now: number,
): RefreshDecision {
  if (state.endedAt !== null || now >= state.expiresAt) return "over";
  const age = state.counter - presented;
  if (age < 0) return "reuse";
  if (age === 0) return "rotate";
  if (age === 1) return "repeat";
  return age === 2 && now - state.rotatedAt <= graceMs ? "repeat" : "reuse";
}
