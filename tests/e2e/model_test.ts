import assert from "node:assert/strict";
import { runModel } from "../model/run.ts";
import { fuzzSeed } from "../support/fixed_seed.ts";

Deno.test("T2, T3, T5, D2: after each of hundreds of random changes, drifts, kills and starts the stack is what a small model says", async () => {
  // The same every time, so that a failure is somebody's; `deno task test:model` looks further.
  const { steps } = await runModel({ steps: 200, seed: fuzzSeed });
  assert.ok(steps >= 200);
});
