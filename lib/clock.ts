/** The clock seam: everything that decides by time takes one, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** One that also tells how much time went by, whatever is done to the time of day. */
export interface SteadyClock extends Clock {
  /** Milliseconds since some moment; never goes back, and is not set. */
  monotonic(): number;
}

export const systemClock: SteadyClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
