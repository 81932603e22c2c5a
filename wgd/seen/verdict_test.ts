import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import type { DesiredPeer } from "../desired.ts";
import type { ObservedPeer } from "../observed.ts";
import { driftOf, type Evidence, judge } from "./verdict.ts";

const row = desiredPeer({
  id: "a",
  publicKey: "A",
  generation: "7",
  expiresAt: 1000,
});
const present: ObservedPeer = {
  publicKey: "A",
  presharedKey: null,
  endpoint: null,
  allowedIps: ["10.10.0.6/32"],
  latestHandshake: 0,
  receivedBytes: 0,
  sentBytes: 0,
  persistentKeepalive: null,
};
const on = new Map([["A", present]]);
const off = new Map<string, ObservedPeer>();

function verdict(peer: Partial<DesiredPeer>, evidence: Partial<Evidence>) {
  return judge({ ...row, ...peer }, {
    observed: on,
    oldKeys: 0,
    failure: undefined,
    now: 0,
    ...evidence,
  });
}

Deno.test("judge: applied only when read back exactly as desired", () => {
  assert.deepEqual(verdict({}, {}), { state: "applied", error: null });
  assert.equal(verdict({}, { observed: off }).state, "failed");
  const stolen = new Map([["A", { ...present, allowedIps: [] }]]);
  assert.match(verdict({}, { observed: stolen }).error ?? "", /other allowed IPs/);
});

Deno.test("judge: applied only with the successor that waits, and removed only without it", () => {
  const successor = { publicKey: "B", presharedKey: null, deadline: 1000, heldBecause: null };
  const waiting = { ...present, publicKey: "B", allowedIps: [] };
  const two = new Map([["A", present], ["B", waiting]]);
  assert.equal(verdict({ successor }, { observed: two }).state, "applied");
  assert.equal(verdict({ successor }, { observed: on }).state, "failed");
  const early = new Map([["A", present], ["B", { ...waiting, allowedIps: ["10.10.0.6/32"] }]]);
  assert.equal(verdict({ successor }, { observed: early }).state, "failed");
  const left = new Map([["B", waiting]]);
  assert.equal(verdict({ successor, active: false }, { observed: left }).state, "failed");
  assert.equal(verdict({ successor, active: false }, { observed: off }).state, "removed");
  const unfit = { ...successor, heldBecause: "its successor is bad" };
  assert.deepEqual(verdict({ successor: unfit }, { observed: on }), {
    state: "failed",
    error: "its successor is bad",
  });
});

Deno.test("T3: judge: removed only when read back without the peer", () => {
  assert.equal(verdict({ active: false }, { observed: off }).state, "removed");
  assert.deepEqual(verdict({ active: false }, { failure: "wg failed" }), {
    state: "failed",
    error: "the peer is still on the interface: wg failed",
  });
  assert.equal(verdict({}, { now: 1000 }).state, "failed");
  assert.equal(verdict({}, { now: 1000, observed: off }).state, "removed");
});

Deno.test("T3: judge: a rotation is not done before the old key is gone", () => {
  assert.match(verdict({}, { oldKeys: 1 }).error ?? "", /key that the peer used before/);
});

Deno.test("judge: a held row says why, and can still be removed", () => {
  assert.deepEqual(verdict({ heldBecause: "its address ..." }, { observed: off }), {
    state: "held",
    error: "its address ...",
  });
  assert.equal(verdict({ heldBecause: "x", active: false }, { observed: off }).state, "removed");
});

Deno.test("judge: a failed command does not count against what was read back", () => {
  assert.equal(verdict({}, { failure: "wg did not answer" }).state, "applied");
});

Deno.test("driftOf: only what no change of the row explains", () => {
  const recorded = (state: "applied" | "removed", generation = "7") => ({
    ...row,
    status: { generation, state, error: null },
  });
  assert.deepEqual(driftOf(recorded("applied"), off, 0), ["missing"]);
  assert.deepEqual(driftOf(recorded("applied"), on, 0), []);
  assert.deepEqual(driftOf(recorded("applied", "6"), off, 0), []);
  assert.deepEqual(driftOf({ ...recorded("removed"), active: false }, on, 0), ["unwanted"]);
  // It expired; taking it off is no repair.
  assert.deepEqual(driftOf(recorded("applied"), on, 1000), []);
  assert.deepEqual(driftOf(row, off, 0), []);
});
