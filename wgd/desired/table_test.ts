import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import type { DesiredPeer, DesiredState } from "../desired.ts";
import { DesiredTable } from "./table.ts";

function peer(id: string, publicKey: string, more: Partial<DesiredPeer> = {}): DesiredPeer {
  return desiredPeer({
    id,
    publicKey,
    ...more,
  });
}

function everything(state: DesiredState) {
  return { slices: "all", digests: new Map(), state, released: [] } as const;
}

function retired(peerId: string, publicKey: string) {
  return { tenantId: 1, peerId, publicKey };
}

Deno.test("T7: explain: a key whose row vanished without a tombstone is told from one added by hand", () => {
  const table = new DesiredTable();
  table.replaceAll(everything({ peers: [peer("a", "A"), peer("b", "B")], retired: [] }));
  table.adopt(["A", "B"]);
  assert.equal(table.explain("A"), "row");
  assert.equal(table.explain("X"), "foreign");
  table.replaceAll(everything({ peers: [peer("b", "B")], retired: [] }));
  assert.equal(table.explain("A"), "vanished");
  assert.deepEqual(table.vanishedKeys("a"), ["A"]);
  table.replaceAll(everything({ peers: [peer("a", "A")], retired: [] }));
  assert.equal(table.explain("A"), "row");
  assert.equal(table.explain("B"), "vanished");
});

Deno.test("T7: explain: what was there before the daemon could know is adopted, for as long as it runs", () => {
  const table = new DesiredTable();
  assert.equal(table.explain("X"), "adopted");
  table.replaceAll(everything({ peers: [peer("a", "A")], retired: [] }));
  table.adopt(["A", "X"]);
  table.adopt(["Y"]);
  assert.equal(table.explain("X"), "adopted");
  assert.equal(table.explain("Y"), "foreign");
});

Deno.test("T7: explain: a waiting successor is its peer's key, and vanishes with it", () => {
  const successor = { publicKey: "A2", presharedKey: null, deadline: 2000, heldBecause: null };
  const table = new DesiredTable();
  table.replaceAll(everything({ peers: [peer("a", "A", { successor })], retired: [] }));
  table.adopt([]);
  assert.equal(table.explain("A2"), "row");
  assert.deepEqual(table.keysOf("a"), ["A", "A2"]);
  assert.equal(table.nextExpiry(1000), 2000, "its deadline is a time to look");
  assert.equal(table.nextExpiry(2000), null);
  table.replaceAll(everything({ peers: [], retired: [] }));
  assert.deepEqual([table.explain("A"), table.explain("A2")], ["vanished", "vanished"]);
  assert.deepEqual(table.waiting, []);
});

Deno.test("explain: a rotated key is retired, and forgotten once purged", () => {
  const table = new DesiredTable();
  table.replaceAll(everything({ peers: [peer("a", "A")], retired: [] }));
  table.adopt([]);
  table.replaceSome(["a"], { peers: [peer("a", "A2")], retired: [retired("a", "A")] });
  assert.equal(table.explain("A"), "retired");
  assert.equal(table.explain("A2"), "row");
  table.forget({ peers: [], retired: [retired("a", "A")], released: [] });
  assert.equal(table.explain("A"), "foreign");
});

Deno.test("replaceSome: touches the named peers alone, and sees that one has no row any more", () => {
  const table = new DesiredTable();
  table.replaceAll(
    everything({ peers: [peer("a", "A"), peer("b", "B")], retired: [retired("b", "B0")] }),
  );
  table.replaceSome(["a", "c"], { peers: [peer("c", "C")], retired: [] });
  assert.deepEqual([...table.peers.keys()], ["b", "c"]);
  assert.equal(table.explain("A"), "vanished");
  assert.equal(table.explain("B0"), "retired");
});

Deno.test("replaceSome: a key that another peer took over stays explained by that one", () => {
  const table = new DesiredTable();
  table.replaceAll(everything({ peers: [peer("a", "A"), peer("b", "B")], retired: [] }));
  table.replaceSome(["b"], { peers: [peer("b", "A")], retired: [retired("b", "B")] });
  table.replaceSome(["a"], { peers: [peer("a", "A2")], retired: [] });
  assert.equal(table.byKey("A")?.id, "b");
});

Deno.test("forget: a purged peer is no vanished one", () => {
  const table = new DesiredTable();
  const tombstone = peer("a", "A", { active: false, tombstone: true });
  table.replaceAll(everything({ peers: [tombstone, peer("b", "B")], retired: [] }));
  table.adopt([]);
  table.forget({ peers: [tombstone], retired: [], released: [] });
  table.replaceAll(everything({ peers: [peer("b", "B")], retired: [] }));
  assert.equal(table.explain("A"), "foreign");
});

Deno.test("nextExpiry: the nearest to come, of active peers", () => {
  const table = new DesiredTable();
  table.replaceAll(everything({
    peers: [
      peer("a", "A", { expiresAt: 100 }),
      peer("b", "B", { expiresAt: 300 }),
      peer("c", "C", { expiresAt: 200, active: false }),
      peer("d", "D"),
    ],
    retired: [],
  }));
  assert.equal(table.nextExpiry(50), 100);
  assert.equal(table.nextExpiry(100), 300);
  assert.equal(table.nextExpiry(300), null);
});

Deno.test("replaceAll: slices that were not read again stay, and the others lose what is gone", () => {
  const id = (slice: string) => `00000000-0000-7000-8000-0000000000${slice}`;
  const table = new DesiredTable();
  table.replaceAll(everything({
    peers: [peer(id("00"), "A"), peer(id("ff"), "B"), peer(id("0f"), "C")],
    retired: [retired(id("00"), "A0"), retired(id("ff"), "B0")],
  }));
  const digests = new Map([[0xff, "x"]]);
  const state = { peers: [peer(id("ff"), "B2")], retired: [] };
  table.replaceAll({ slices: new Set([0xff, 0x0f]), digests, state, released: [] });
  assert.deepEqual([...table.peers.values()].map((row) => row.publicKey), ["A", "B2"]);
  assert.deepEqual(["A0", "B0", "B", "C"].map((key) => table.explain(key)), [
    "retired",
    "vanished",
    "vanished",
    "vanished",
  ]);
  assert.deepEqual(table.digests, digests);
  // A row that came and vanished between two complete reads leaves the digests as they were.
  table.replaceSome([id("0f")], { peers: [peer(id("0f"), "C")], retired: [] });
  assert.notDeepEqual(table.digests?.get(0x0f), digests.get(0x0f));
  assert.equal(table.digests?.get(0xff), "x");
});
