import type { SteadyClock } from "../../lib/clock.ts";

/** A clock that only moves when told. Starts at the real time, which is what the database's own clock shows. */
export class FakeClock implements SteadyClock {
  #now = Date.now();
  #monotonic = 0;

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** @param ms below zero, the clock is set back, and no time goes by */
  advance(ms: number): void {
    this.set(ms);
    this.#monotonic += Math.max(ms, 0);
  }

  /** Sets the time of day by so many milliseconds; no time goes by. */
  set(ms: number): void {
    this.#now += ms;
  }
}
