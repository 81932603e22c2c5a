import assert from "node:assert/strict";
import { inTime } from "./in_time.ts";

const late = () => new RangeError("late");

Deno.test("inTime: what comes in time is answered, and its failure thrown", async () => {
  const { signal } = new AbortController();
  assert.equal(await inTime(Promise.resolve(7), { ms: 60_000, signal, late }), 7);
  const broken = Promise.reject(new SyntaxError("broken"));
  await assert.rejects(inTime(broken, { ms: 60_000, signal, late }), SyntaxError);
});

Deno.test("inTime: the time or the signal ends the wait, and a failure that comes later hurts nobody", async () => {
  const hanging = Promise.withResolvers<never>();
  const { promise: work } = hanging;
  await assert.rejects(inTime(work, { ms: 1, late }), RangeError);
  const stop = new AbortController();
  const waiting = inTime(work, { ms: 60_000, signal: stop.signal, late });
  stop.abort();
  await assert.rejects(waiting, RangeError);
  await assert.rejects(inTime(work, { ms: 60_000, signal: stop.signal, late }), RangeError);
  hanging.reject(new SyntaxError("broken"));
  // The test runner ends with whatever nobody has caught.
  await Promise.allSettled([work]);
});
