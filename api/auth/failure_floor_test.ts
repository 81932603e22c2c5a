import assert from "node:assert/strict";
import { createLogger } from "../../lib/log.ts";
import { createFailureFloor } from "./failure_floor.ts";

function floorOf() {
  let now = 0;
  let slowest = 0;
  const lines: string[] = [];
  const floor = createFailureFloor({
    leastMs: 2_000,
    slowestMs: () => slowest,
    timer: {
      now: () => now,
      pause(ms) {
        now += ms;
        return Promise.resolve();
      },
    },
    log: createLogger({ level: "debug", write: (line) => lines.push(line) }),
  });
  return {
    lines,
    comparisonTook: (ms: number) => slowest = ms,
    /** When a failure is told whose work took so long. */
    async told(workMs: number, waitedMs = 0) {
      const started = now;
      const floored = floor.start();
      now += waitedMs + workMs;
      await floored.wait(waitedMs);
      return now - started;
    },
  };
}

Deno.test("wait: A4: whatever the work took, the failure is told at a whole multiple of the floor", async () => {
  const { told, lines } = floorOf();
  for (const ms of [0, 1, 30, 1_999, 2_000]) assert.equal(await told(ms), 2_000);
  for (const ms of [2_001, 3_000, 4_000]) assert.equal(await told(ms), 4_000);
  assert.equal(await told(30, 500), 2_500, "beside what earlier failures cost");
  assert.deepEqual(lines, []);
});

Deno.test("wait: A4: a comparison that comes near the floor lifts it, for every failure and within bounds", async () => {
  const { told, comparisonTook, lines } = floorOf();
  comparisonTook(1_300);
  assert.equal(await told(30), 2_000);
  comparisonTook(2_500);
  assert.deepEqual([await told(30), await told(2_500)], [3_800, 3_800]);
  assert.equal(lines.length, 1);
  comparisonTook(60_000);
  assert.equal(await told(30), 10_000);
});
