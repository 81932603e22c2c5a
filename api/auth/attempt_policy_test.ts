import assert from "node:assert/strict";
import {
  type Attempts,
  attemptsPerMinute,
  failuresUntilFactorLock,
  isLocked,
  judge,
  stillCounting,
  waitForAttempt,
} from "./attempt_policy.ts";

const minute = 60_000;
const fresh: Attempts = { recent: [], failures: 0, lockedUntil: null };

Deno.test("waitForAttempt: A3: in no 60 seconds are there more than five codes, or three recovery codes", () => {
  for (const kind of ["totp", "recovery"] as const) {
    const made: number[] = [];
    // Somebody who tries every 7 s for ten minutes, and whenever he is told to come back.
    for (let now = 0; now < 10 * minute; now += 7000) {
      if (waitForAttempt(made, { kind, now }) === 0) made.push(now);
      for (const from of made) {
        const within = made.filter((at) => at >= from && at < from + minute).length;
        assert(within <= attemptsPerMinute[kind], `${kind} at ${now}: ${within}`);
      }
    }
    assert(made.length >= 9 * attemptsPerMinute[kind], `${kind}: ${made.length} in ten minutes`);
  }
  assert.deepEqual(attemptsPerMinute, { totp: 5, recovery: 3 });
});

Deno.test("waitForAttempt: says when the oldest leaves the window, and never more than a minute", () => {
  const recent = [5000, 1000, 2000];
  assert.equal(waitForAttempt(recent, { kind: "recovery", now: 6000 }), minute - 5000);
  assert.equal(waitForAttempt(recent, { kind: "recovery", now: minute + 1000 }), 0);
  assert.equal(waitForAttempt(recent, { kind: "recovery", now: -9 * minute }), minute);
  assert.deepEqual(stillCounting(recent, minute + 1500), [5000, 2000]);
});

Deno.test("judge: A3: ten failures in a row lock, each further ten for twice as long, a day at most", () => {
  let state = fresh;
  const locks: number[] = [];
  for (let n = 1; n <= 12 * failuresUntilFactorLock; n++) {
    const after = judge(state, { passed: false, now: 0 });
    assert.equal(after.locks, n % failuresUntilFactorLock === 0, `failure ${n}`);
    if (after.locks) locks.push((after.lockedUntil ?? 0) / minute);
    state = after;
  }
  assert.deepEqual(locks.slice(0, 8), [15, 30, 60, 120, 240, 480, 960, 1440]);
  assert.ok(locks.slice(8).every((minutes) => minutes === 1440));
  assert.equal(isLocked(state, 24 * 60 * minute - 1), true);
  assert.equal(isLocked(state, 24 * 60 * minute), false);
  assert.deepEqual(judge(state, { passed: true, now: 0 }), { ...fresh, locks: false });
});
