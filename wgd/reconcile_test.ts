import assert from "node:assert/strict";
import { pauseFor } from "../lib/pause.ts";
import { turn, until } from "../tests/support/until.ts";
import type { PassOptions, PassOutcome } from "./pass/mod.ts";
import type { Scope } from "./pass/rows.ts";
import { createReconciler } from "./reconcile.ts";

/** Passes that end when the test says so. @param how without `gatherMs`: for as long as the daemon gathers */
function harness(how: { gatherMs?: number } = { gatherMs: 0 }) {
  const scopes: Scope[] = [];
  const ends: ((outcome?: Partial<PassOutcome>) => void)[] = [];
  const failures: ((error: Error) => void)[] = [];
  const options: PassOptions[] = [];
  let passed = 0;
  const reconciler = createReconciler((scope, passOptions) => {
    scopes.push(scope);
    options.push(passOptions);
    const { promise, resolve, reject } = Promise.withResolvers<PassOutcome>();
    failures.push(reject);
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
  }, { onPassed: () => passed++, ...how });
  return { reconciler, scopes, ends, failures, options, passed: () => passed };
}

/** Resolves when so much time has gone since, as it does while a pass is at work. */
function taking(ms: number, since = performance.now()): Promise<unknown> {
  return until(`${ms} ms of a pass are over`, () => performance.now() - since >= ms);
}

Deno.test("request: a lone one starts at once", async () => {
  const { reconciler, scopes, ends } = harness();
  const answer = reconciler.request(["a"]);
  assert.deepEqual(scopes, [["a"]]);
  ends[0]?.();
  assert.deepEqual((await answer).applied, ["a"]);
});

Deno.test("request: those that arrive during a pass share the next one, each with its own answer", async () => {
  const { reconciler, scopes, ends, options, passed } = harness();
  const first = reconciler.request(["a"]);
  const others = [["b"], ["c", "b"]].map((ids) => reconciler.request(ids));
  await taking(2);
  const asked = performance.now();
  others.push(...[["b"], ["a"]].map((ids) => reconciler.request(ids)));
  assert.equal(scopes.length, 1);
  ends[0]?.();
  await first;
  await until("they have their pass", () => scopes.length === 2);
  assert.deepEqual(scopes, [["a"], ["b", "c", "a"]]);
  const askedAt = ["b", "c"].map((id) => options[1]?.askedAt.get(id) ?? 0);
  assert.deepEqual(askedAt.map((at) => at >= asked), [true, false], "when it was last asked for");
  ends[1]?.();
  const answers = await Promise.all(others);
  const applied = [["b"], ["c", "b"], ["b"], ["a"]];
  assert.deepEqual(answers.map((answer) => answer.applied), applied);
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
  let isAnswered = false;
  void all.then(() => isAnswered = true);
  ends[1]?.();
  assert.deepEqual((await some).applied, ["b"]);
  await until("everything has its pass", () => scopes.length === 3);
  assert.ok(!isAnswered, "nobody is told of everything by a pass over some");
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

Deno.test("request: 64 are a few, more go with everything, in one pass", async () => {
  const { reconciler, scopes, ends } = harness();
  const few = Array.from({ length: 64 }, (_, at) => `few-${at}`);
  const before = [reconciler.request(["z"]), reconciler.request("all"), reconciler.request(few)];
  ends[0]?.();
  await until("the few have their pass", () => scopes.length === 2);
  assert.deepEqual(scopes[1], few);
  ends[1]?.();
  await until("everything has its pass", () => scopes.length === 3);
  ends[2]?.();
  await Promise.all(before);
  scopes.length = ends.length = 0;
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
  await taking(200);
  ends[0]?.();
  await first;
  // Whatever waits for a timer of 200 ms has not begun then.
  await turn();
  assert.equal(scopes.length, 2, "one alone, however often it was asked for, goes on at once");
  const crowd = [reconciler.request(["c"]), reconciler.request(["d"])];
  await taking(50);
  ends[1]?.();
  await Promise.all(alone);
  // As long as the pass took that is waited for, nothing begins; what comes meanwhile belongs to it.
  await Promise.resolve();
  const more = reconciler.request(["e"]);
  assert.equal(scopes.length, 2);
  await until("the crowd has its pass", () => scopes.length === 3);
  assert.deepEqual(scopes[2], ["c", "d", "e"]);
  const late = [reconciler.request(["f"]), reconciler.request(["g"])];
  await taking(1_000);
  ends[2]?.();
  await Promise.all([...crowd, more]);
  const refused = late.map((answer) => assert.rejects(answer, { name: "StoppedError" }));
  let isStopped = false;
  const stopped = reconciler.stop().then(() => isStopped = true);
  await turn();
  assert.ok(isStopped, "stopping waits for no crowd");
  await Promise.all([stopped, ...refused]);
  assert.equal(scopes.length, 3);
});

Deno.test("request: a crowd waits for 20 ms at most, and not at all beside everything", async () => {
  const { reconciler, scopes, ends } = harness({});
  const first = reconciler.request(["a"]);
  const others = [reconciler.request(["b"]), reconciler.request(["c"])];
  await taking(500);
  // Timers go off in the order of their times, however late all of them are.
  const atOnce = turn().then(() => scopes.length);
  ends[0]?.();
  await first;
  const later = pauseFor(400).then(() => scopes.length);
  assert.equal(await atOnce, 1, "the crowd may grow");
  assert.equal(await later, 2, "the crowd has its pass by then");
  ends[1]?.();
  await Promise.all(others);
  const quick = harness({ gatherMs: 60_000 });
  const all = quick.reconciler.request("all");
  const crowd = [quick.reconciler.request(["b"]), quick.reconciler.request(["c"])];
  await taking(500);
  quick.ends[0]?.();
  await all;
  await turn();
  assert.deepEqual(quick.scopes, ["all", ["b", "c"]], "it has waited for everything already");
  quick.ends[1]?.();
  await Promise.all(crowd);
});

Deno.test("request: an interface that was made anew brings a full pass", async () => {
  const { reconciler, scopes, ends, failures } = harness();
  const answer = reconciler.request(["a"]);
  ends[0]?.({ needsFull: true });
  await answer;
  await until("everything is looked at", () => scopes.length === 2);
  assert.deepEqual(scopes, [["a"], "all"]);
  // Nobody asked for it, so nobody is told, and no rejection goes unhandled.
  failures[1]?.(new Error("broken"));
  await reconciler.stop();
});

Deno.test("request: a pass that throws fails its callers and nobody else", async () => {
  let fail = true;
  let passed = 0;
  const reconciler = createReconciler(() => {
    if (fail) return Promise.reject(new Error("broken"));
    const result = { applied: [], removed: [], absent: [], failed: [] };
    return Promise.resolve({ needsFull: false, resultFor: () => result });
  }, { onPassed: () => passed++ });
  await assert.rejects(reconciler.request("all"), /broken/);
  assert.equal(passed, 1, "the timers are set anew after it, too");
  fail = false;
  assert.deepEqual((await reconciler.request("all")).failed, []);
});

Deno.test("stop: lets the running pass end, hurries it, and refuses the rest", async () => {
  const { reconciler, ends, options, scopes } = harness();
  const running = reconciler.request(["a"]);
  const waiting = reconciler.request(["b"]);
  let isStopped = false;
  const stopped = reconciler.stop().then(() => isStopped = true);
  assert.ok(options[0]?.signal.aborted);
  await turn();
  assert.ok(!isStopped, "the pass still runs");
  ends[0]?.();
  await running;
  await Promise.all([stopped, assert.rejects(waiting, { name: "StoppedError" })]);
  await assert.rejects(reconciler.request("all"), { name: "StoppedError" });
  assert.equal(scopes.length, 1);
});

Deno.test("hurry: makes the running pass go on without the database, and no later one", async () => {
  const { reconciler, ends, options } = harness();
  const first = reconciler.request(["a"]);
  const second = reconciler.request(["b"]);
  reconciler.hurry();
  ends[0]?.();
  await first;
  await until("the next one runs", () => options.length === 2);
  assert.deepEqual(options.map(({ signal }) => signal.aborted), [true, false]);
  ends[1]?.();
  await second;
});
