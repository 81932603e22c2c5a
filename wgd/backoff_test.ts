import assert from "node:assert/strict";
import { Backoff } from "./backoff.ts";

Deno.test("after: T2: doubles with each failure to 4 s, and is the regular pause again after a success", () => {
  const backoff = new Backoff(1000);
  const after = (failures: boolean[]) => failures.map((failed) => backoff.after({ failed }));
  assert.deepEqual(after([false, true, true, true, true]), [1000, 2000, 4000, 4000, 4000]);
  assert.deepEqual(after([false, true]), [1000, 2000]);
  const slow = new Backoff(60_000);
  assert.equal(
    slow.after({ failed: true }),
    60_000,
    "never more often than without a failure, either",
  );
});
