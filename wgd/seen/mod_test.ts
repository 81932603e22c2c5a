import assert from "node:assert/strict";
import { FakeClock } from "../../tests/support/clock.ts";
import { Seen } from "./mod.ts";

const hour = 3_600_000;

Deno.test("now: T8: never goes back, and goes on while the clock is behind", () => {
  const clock = new FakeClock();
  const begin = clock.now();
  const seen = new Seen(clock);
  const now = () => seen.now() - begin;
  clock.advance(1000);
  assert.equal(now(), 1000);
  clock.set(-2 * hour);
  assert.equal(now(), 1000);
  for (const _ of Array(3)) {
    clock.advance(100.4);
    seen.now();
  }
  assert.deepEqual([now(), Math.round(seen.clockBehind)], [1301, 2 * hour]);
  clock.set(2 * hour);
  assert.deepEqual([now(), Math.round(seen.clockBehind)], [1301, 0], "it was put right again");
  clock.set(hour);
  assert.equal(now(), 1301 + hour);
});

Deno.test("wasAt: T8: an earlier process's time goes on from when it is told, and takes nothing back", () => {
  const clock = new FakeClock();
  const begin = clock.now();
  const seen = new Seen(clock);
  clock.advance(10);
  seen.wasAt(begin);
  assert.equal(seen.now(), begin + 10);
  seen.wasAt(begin + hour);
  clock.advance(5);
  assert.equal(seen.now(), begin + hour + 5);
});
