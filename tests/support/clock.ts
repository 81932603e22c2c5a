import type { Clock } from "../../lib/clock.ts";

/** A clock that only moves when told. Starts at the real time, which is what the database's own clock shows. */
export class FakeClock implements Clock {
  #now = Date.now();

  now(): number {
    return this.#now;
  }

  /** @param ms may be negative */
  advance(ms: number): void {
    this.#now += ms;
  }
}
