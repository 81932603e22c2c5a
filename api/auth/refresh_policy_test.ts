import assert from "node:assert/strict";
import { decideRefresh, graceMs, type RefreshState } from "./refresh_policy.ts";

const state: RefreshState = {
  counter: 5,
  rotatedAt: 1_000_000,
  endedAt: null,
  expiresAt: 9_000_000,
};
const soon = state.rotatedAt + graceMs;

Deno.test("decideRefresh: A2: each generation of a token gets its own answer", () => {
  const cases = [
    [5, soon, "rotate"],
    [5, soon + 1_000_000, "rotate"],
    // The parent: its child, the newest, was not presented yet, however long ago that is.
    [4, soon, "repeat"],
    [4, soon + 1_000_000, "repeat"],
    // The grandparent: its child was presented at rotatedAt, and ten seconds are left for stragglers.
    [3, soon, "repeat"],
    [3, soon + 1, "reuse"],
    [2, state.rotatedAt, "reuse"],
    [0, state.rotatedAt, "reuse"],
    // A counter that was never handed out.
    [6, soon, "reuse"],
  ] as const;
  for (const [presented, now, expected] of cases) {
    assert.equal(decideRefresh(state, presented, now), expected, `counter ${presented} at ${now}`);
  }
});

Deno.test("decideRefresh: an ended or expired session answers nothing else", () => {
  for (const presented of [5, 4, 3, 0, 6]) {
    assert.equal(decideRefresh({ ...state, endedAt: 1 }, presented, soon), "over");
    assert.equal(decideRefresh(state, presented, state.expiresAt), "over");
  }
});
