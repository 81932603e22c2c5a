import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { Secret } from "../../lib/secret.ts";
import type { DesiredPeer } from "../desired.ts";
import { isSettled, provenBefore } from "./proof.ts";
import type { Verdict } from "../seen/verdict.ts";

const now = Date.parse("2026-11-28T12:00:00Z");
const applied: Verdict = { state: "applied", error: null };
const next = { publicKey: "NEXT", presharedKey: null, deadline: now + 1, heldBecause: null };
const row = desiredPeer({
  id: "a",
  publicKey: "KEY",
  presharedKey: new Secret("PSK"),
  generation: "7",
  status: { generation: "7", ...applied },
});

const settled = (changes: Partial<DesiredPeer>) => isSettled({ ...row, ...changes }, now);

Deno.test("provenBefore: T3: what a look proved holds for the same row, asked for before the look, and for nothing else", () => {
  const ask = (peer: DesiredPeer, askedAt = 5, verdicts: [string, Verdict][] = [["a", applied]]) =>
    provenBefore(
      { lookedAt: 5, peers: new Map([["a", row]]), verdicts: new Map(verdicts) },
      { rows: { peers: [peer], retired: [] }, askedAt: new Map([["a", askedAt]]), now },
    ).get(peer.id);
  assert.deepEqual(ask(row), applied);
  assert.deepEqual(ask({ ...row, presharedKey: new Secret("PSK") }), applied, "another read of it");
  assert.equal(ask(row, 5.001), undefined, "asked for after the look began");
  assert.equal(ask({ ...row, id: "b" }), undefined);
  assert.equal(ask(row, 5, []), undefined);
  const others: Partial<DesiredPeer>[] = [
    { generation: "8", status: { generation: "8", ...applied } },
    { publicKey: "OTHER" },
    { successor: next },
    { address: "10.10.0.7" },
    { active: false, status: { generation: "7", state: "removed", error: null } },
    { expiresAt: now + 1 },
    { tombstone: true },
    { heldBecause: "why" },
    { presharedKey: new Secret("ANOTHER") },
    { presharedKey: null },
    { status: null },
  ];
  for (const [at, each] of others.entries()) {
    assert.equal(ask({ ...row, ...each }), undefined, `${at}`);
  }
});

Deno.test("isSettled: a recorded status is of this generation, and the one that the row asks for by now", () => {
  const status = (state: "applied" | "removed" | "failed" | "held", generation = "7") => ({
    status: { generation, state, error: null },
  });
  assert.equal(settled({}), true);
  assert.equal(settled({ status: null }), false);
  assert.equal(settled(status("applied", "6")), false);
  assert.deepEqual([settled(status("removed")), settled(status("failed"))], [false, false]);
  assert.equal(settled(status("held")), true);
  const expired = { expiresAt: now };
  assert.deepEqual([settled(expired), settled({ ...expired, ...status("removed") })], [
    false,
    true,
  ]);
});
