import assert from "node:assert/strict";
import { understandOnce } from "./understand_once.ts";

Deno.test("understandOnce: each text means its own, is understood once, and few are kept", () => {
  const asked: string[] = [];
  const meaningOf = understandOnce((text) => {
    asked.push(text);
    return { text };
  }, 2);
  const first = meaningOf("a");
  assert.deepEqual([meaningOf("a") === first, meaningOf("").text, meaningOf("a").text], [
    true,
    "",
    "a",
  ]);
  assert.deepEqual(asked, ["a", ""]);
  assert.equal(meaningOf("b").text, "b");
  assert.notEqual(meaningOf("a"), first, "a third text let all go");
  assert.deepEqual(asked, ["a", "", "b", "a"]);
});
