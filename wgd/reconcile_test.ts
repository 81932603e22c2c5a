import assert from "node:assert/strict";
import { until } from "../tests/support/until.ts";
import type { PassOutcome, Scope } from "./pass.ts";
import { createReconciler } from "./reconcile.ts";

/** Passes that end when the test says so. */
function harness({ gatherMs = 0 } = {}) {
  const scopes: Scope[] = [];
  const ends: ((outcome?: Partial<PassOutcome>) => void)[] = [];
  const signals: AbortSignal[] = [];
  let passed = 0;
  const reconciler = createReconciler((scope, { signal }) => {
    scopes.push(scope);
    signals.push(signal);
    const { promise, resolve } = Promise.withResolvers<PassOutcome>();
    ends.push((outcome = {}) =>
      resolve({
        needsFull: false,
        resultFor: (asked) => ({
          applied: asked === "all" ? ["*"] : [...asked],
          removed: [],
          absent: [],
          failed: [],
        }),
        ...outcome,
      })
    );
    return promise;
  }, { onPassed: () => passed++, gatherMs });
  return { reconciler, scopes, ends, signals, passed: () => passed };
}

Deno.test("request: a lone one starts at once", async () => {
  const { reconciler, scopes, ends } = harness();
  const answer = reconciler.request(["a"]);
  assert.deepEqual(scopes, [["a"]]);
  ends[0]?.();
  assert.deepEqual((await answer).applied, ["a"]);
});

Deno.test("request: those that arrive during a pass share the next one, each with its own answer", async () => {
  const { reconciler, scopes, ends, passed } = harness();
  const first = reconciler.request(["a"]);
  const others = [["b"], ["c", "b"], ["a"]].map((ids) => reconciler.request(ids));
  assert.equal(scopes.length, 1);
  ends[0]?.();
  await first;
  await until("they have their pass", () => scopes.length === 2);
  assert.deepEqual(scopes, [["a"], ["b", "c", "a"]]);
  ends[1]?.();
  const answers = await Promise.all(others);
  assert.deepEqual(answers.map((answer) => answer.applied), [["b"], ["c", "b"], ["a"]]);
  assert.equal(passed(), 2);
});

Deno.test("request: single ones go before everything once, and then everything takes them along", async () => {
  const { reconciler, scopes, ends } = harness();
  const first = reconciler.request(["a"]);
  const all = reconciler.request("all");
  const some = reconciler.request(["b"]);
  ends[0]?.();
  await first;
  await until("b has its pass", () => scopes.length === 2);
  assert.deepEqual(scopes[1], ["b"]);
  const late = reconciler.request(["c"]);
  ends[1]?.();
  assert.deepEqual((await some).applied, ["b"]);
  await until("everything has its pass", () => scopes.length === 3);
  assert.deepEqual(scopes[2], "all");
  ends[2]?.();
  assert.deepEqual((await all).applied, ["*"]);
  assert.deepEqual((await late).applied, ["c"]);
  const again = [reconciler.request(["d"]), reconciler.request("all"), reconciler.request(["e"])];
  ends[3]?.();
  await again[0];
  await until("e goes first again", () => scopes.length === 5);
  assert.deepEqual(scopes.slice(3), [["d"], ["e"]]);
  ends[4]?.();
  await again[2];
  await until("everything is asked for once more", () => scopes.length === 6);
  ends[5]?.();
  await again[1];
});

Deno.test("request: many go with everything, in one pass", async () => {
  const { reconciler, scopes, ends } = harness();
  const first = reconciler.request(["a"]);
  const all = reconciler.request("all");
  const many = Array.from({ length: 65 }, (_, at) => `many-${at}`);
  const some = reconciler.request(many);
  ends[0]?.();
  await first;
  await until("everything has its pass", () => scopes.length === 2);
  assert.deepEqual(scopes[1], "all");
  ends[1]?.();
  await all;
  assert.deepEqual((await some).applied, many);
});

Deno.test("request: a crowd waits a moment for more, one alone does not, and stopping waits for nobody", async () => {
  const { reconciler, scopes, ends } = harness({ gatherMs: 60_000 });
  const first = reconciler.request(["a"]);
  const alone = [reconciler.request(["b"]), reconciler.request(["b"])];
  ends[0]?.();
  await first;
  await until(
    "one alone, however often it was asked for, goes on at once",
    () => scopes.length === 2,
  );
  const crowd = [reconciler.request(["c"]), reconciler.request(["d"])];
  const began = performance.now();
  await until("the pass takes 50 ms", () => performance.now() - began >= 50);
  ends[1]?.();
  await Promise.all(alone);
  // As long as the pass took that is waited for, nothing begins; what comes meanwhile belongs to it.
  await Promise.resolve();
  const more = reconciler.request(["e"]);
  assert.equal(scopes.length, 2);
  await until("the crowd has its pass", () => scopes.length === 3);
  assert.deepEqual(scopes[2], ["c", "d", "e"]);
  const late = [reconciler.request(["f"]), reconciler.request(["g"])];
  const second = performance.now();
  await until("the pass takes 1 s", () => performance.now() - second >= 1_000);
  ends[2]?.();
  await Promise.all([...crowd, more]);
  const refused = late.map((answer) => assert.rejects(answer, { name: "StoppedError" }));
  const stopped = performance.now();
  await reconciler.stop();
  assert.ok(performance.now() - stopped < 500, "stopping waits for no crowd");
  await Promise.all(refused);
  assert.equal(scopes.length, 3);
});

Deno.test("request: an interface that was made anew brings a full pass", async () => {
  const { reconciler, scopes, ends } = harness();
  const answer = reconciler.request(["a"]);
  ends[0]?.({ needsFull: true });
  await answer;
  await until("everything is looked at", () => scopes.length === 2);
  assert.deepEqual(scopes, [["a"], "all"]);
  ends[1]?.();
  await reconciler.stop();
});

Deno.test("request: a pass that throws fails its callers and nobody else", async () => {
  let fail = true;
  const reconciler = createReconciler(() => {
    if (fail) return Promise.reject(new Error("broken"));
    const result = { applied: [], removed: [], absent: [], failed: [] };
    return Promise.resolve({ needsFull: false, resultFor: () => result });
  }, { onPassed: () => {} });
  await assert.rejects(reconciler.request("all"), /broken/);
  fail = false;
  assert.deepEqual((await reconciler.request("all")).failed, []);
});

Deno.test("stop: lets the running pass end, hurries it, and refuses the rest", async () => {
  const { reconciler, ends, signals, scopes } = harness();
  const running = reconciler.request(["a"]);
  const waiting = reconciler.request(["b"]);
  const stopped = reconciler.stop();
  assert.ok(signals[0]?.aborted);
  ends[0]?.();
  await running;
  await Promise.all([stopped, assert.rejects(waiting, { name: "StoppedError" })]);
  await assert.rejects(reconciler.request("all"), { name: "StoppedError" });
  assert.equal(scopes.length, 1);
});
