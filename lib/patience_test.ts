import assert from "node:assert/strict";
import { createPatience } from "./patience.ts";

/** What waits keeps no process going; a test has to. */
function going(): Disposable {
  const timer = setInterval(() => {}, 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

Deno.test("createPatience: tells whoever waited for so long, in their order, and nobody for whom it came", async () => {
  using _ = going();
  const wait = createPatience(60);
  const told: [string, number][] = [];
  const began = performance.now();
  const late = (name: string) => () => told.push([name, performance.now() - began]);
  wait(late("first"));
  const come = wait(late("came"));
  const ended = Promise.withResolvers<void>();
  // Begun later, it is told later, by the same timer set anew.
  setTimeout(() => wait(() => [late("second")(), ended.resolve()]), 30);
  come();
  await ended.promise;
  assert.deepEqual(told.map(([name]) => name), ["first", "second"]);
  const [first = 0, second = 0] = told.map(([, ms]) => ms);
  assert.ok(first >= 60 && second >= 85, `${first} ${second}`);
});

Deno.test("createPatience: whoever was told may wait again", async () => {
  using _ = going();
  const wait = createPatience(10);
  const again = Promise.withResolvers<string>();
  wait(() => wait(() => again.resolve("again")));
  assert.equal(await again.promise, "again");
});
