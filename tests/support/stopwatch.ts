const everyMs = 10;

/** Measures how long somebody waited, for what is promised within a time. */
export interface Stopwatch extends Disposable {
  /** Milliseconds so far, without those that the machine took. */
  ms(): number;
  /** Those in which this process did not get to run: what is late by them, the machine made late. */
  lost(): number;
}

export function stopwatch(): Stopwatch {
  const began = performance.now();
  let lost = 0;
  let seen = began;
  const look = () => {
    const now = performance.now();
    // A timer that comes in time has its own time behind it.
    lost += Math.max(0, now - seen - 2 * everyMs);
    seen = now;
  };
  const timer = setInterval(look, everyMs);
  return {
    ms() {
      look();
      return performance.now() - began - lost;
    },
    lost() {
      look();
      return lost;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
