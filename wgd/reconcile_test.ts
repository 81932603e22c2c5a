import assert from "node:assert/strict";
import type { PassOutcome, Scope } from "./pass.ts";
import { createReconciler } from "./reconcile.ts";

/** Passes that end when the test says so. */
function harness() {
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
  }, { onPassed: () => passed++ });
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
  await Promise.resolve();
  assert.deepEqual(scopes, [["a"], ["b", "c", "a"]]);
  ends[1]?.();
  const answers = await Promise.all(others);
  assert.deepEqual(answers.map((answer) => answer.applied), [["b"], ["c", "b"], ["a"]]);
  assert.equal(passed(), 2);
});

Deno.test("request: everything takes the single ones along", async () => {
  const { reconciler, scopes, ends } = harness();
  const first = reconciler.request(["a"]);
  const some = reconciler.request(["b"]);
  const all = reconciler.request("all");
  ends[0]?.();
  await first;
  await Promise.resolve();
  assert.deepEqual(scopes[1], "all");
  ends[1]?.();
  assert.deepEqual((await some).applied, ["b"]);
  assert.deepEqual((await all).applied, ["*"]);
});

Deno.test("request: an interface that was made anew brings a full pass", async () => {
  const { reconciler, scopes, ends } = harness();
  const answer = reconciler.request(["a"]);
  ends[0]?.({ needsFull: true });
  await answer;
  await Promise.resolve();
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
