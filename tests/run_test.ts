import { deepEqual, match, ok } from "node:assert/strict";
import { parse } from "yaml";
import { groups } from "./groups.ts";
import { outcomeIn } from "./kernel/run.ts";
import { countJunit, inWords } from "./run.ts";

Deno.test("countJunit: counts tests, not their steps", () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="5" failures="1" errors="0" time="0.013">
    <testsuite name="./a_test.ts" tests="4" disabled="2" errors="0" failures="1">
        <testcase name="a" classname="./a_test.ts" time="0.002" line="1" col="6">
        </testcase>
        <testcase name="left out" classname="./a_test.ts" time="0.000" line="2" col="11">
            <skipped/>
        </testcase>
        <testcase name="bad" classname="./a_test.ts" time="0.001" line="3" col="6">
            <failure message="Uncaught Error: x&lt;y">Error: x&lt;y</failure>
        </testcase>
        <testcase name="a &gt; b &gt; c" classname="./a_test.ts" time="0.000" line="1" col="39">
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="one &gt; other" classname="./b_test.ts" time="0.002" line="1" col="6">
        </testcase>
    </testsuite>
</testsuites>`;
  deepEqual(countJunit(xml), { passed: 2, failed: 1, skipped: 1 });
});

Deno.test("countJunit: an empty report counts nothing", () => {
  deepEqual(countJunit(""), { passed: 0, failed: 0, skipped: 0 });
});

Deno.test("outcomeIn: reads a guest's sum as the runner says it, and nothing else", () => {
  const outcome = { passed: 12, failed: 3, skipped: 4 };
  deepEqual(outcomeIn(inWords(outcome)), outcome);
  for (const line of ["ok | 4 passed (46 steps) | 0 failed (1m48s)", "1 passed", ""]) {
    deepEqual(outcomeIn(line), undefined);
  }
});

Deno.test("ci.yml: every night runs the groups that the gate leaves out, and the gate none of them", async () => {
  const text = await Deno.readTextFile(new URL("../.github/workflows/ci.yml", import.meta.url));
  const { concurrency, jobs } = parse(text);
  match(concurrency.group, /github\.event_name/, "a push would end the night's run");
  const onDemand = groups.filter(({ onDemand }) => onDemand).map(({ name }) => name);
  deepEqual(jobs.nightly.strategy.matrix.group.toSorted(), onDemand.toSorted());
  deepEqual(jobs.nightly.steps.at(-1).run, './massacorp test "$GROUP"');
  deepEqual(jobs.gate.steps.at(-1).run, ".ci/run");
});

Deno.test("ci.yml: may read the repository and nothing else, ends in time, and names foreign code by its commit", async () => {
  const text = await Deno.readTextFile(new URL("../.github/workflows/ci.yml", import.meta.url));
  interface Job {
    permissions?: unknown;
    "timeout-minutes"?: number;
    steps: { uses?: string; with?: Record<string, unknown> }[];
  }
  const { permissions, jobs } = parse(text);
  deepEqual(permissions, { contents: "read" });
  for (const [name, job] of Object.entries<Job>(jobs)) {
    deepEqual([name, job.permissions], [name, undefined]);
    ok((job["timeout-minutes"] ?? 360) <= 60, name);
    for (const { uses, with: options } of job.steps) {
      if (uses === undefined) continue;
      match(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
      deepEqual(options, { "persist-credentials": false });
    }
  }
});
