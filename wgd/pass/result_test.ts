import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import type { DesiredPeer } from "../desired.ts";
import type { ObservedInterface } from "../observed.ts";
import { resultFor } from "./result.ts";
import { DesiredTable } from "../desired/table.ts";

const tombstone = desiredPeer({
  id: "gone",
  publicKey: "A",
  active: false,
  tombstone: true,
});
const after: ObservedInterface = {
  publicKey: null,
  listenPort: 51820,
  fwmark: null,
  peers: new Map(),
  settings: {},
};

function everything(peers: DesiredPeer[]) {
  return {
    slices: "all",
    digests: new Map(),
    state: { peers, retired: [] },
    released: [],
  } as const;
}

Deno.test("resultFor: T3: an id that no row of this interface has is absent, and never called removed", () => {
  const table = new DesiredTable();
  table.replaceAll(everything([]));
  const nothing = { peers: [], verdicts: new Map(), unread: null, after, table };
  assert.deepEqual(resultFor(["another-interfaces"], nothing), {
    applied: [],
    removed: [],
    absent: ["another-interfaces"],
    failed: [],
  });
  const unread = resultFor(["x"], { ...nothing, unread: "the database cannot be read" });
  assert.deepEqual(unread.failed, [{ peer_id: "x", error: "the database cannot be read" }]);
  const unseen = resultFor(["x"], { ...nothing, after: undefined });
  assert.deepEqual(unseen.failed, [{ peer_id: "x", error: "the interface cannot be read" }]);
});

Deno.test("resultFor: what the daemon purged after its proof stays removed, until a row has the id again", () => {
  const table = new DesiredTable();
  table.replaceAll(everything([tombstone]));
  table.forget({ peers: [tombstone], retired: [], released: [] });
  const ask = () =>
    resultFor(["gone"], { peers: [], verdicts: new Map(), unread: null, after, table });
  assert.deepEqual(ask().removed, ["gone"]);
  table.replaceSome(["gone"], { peers: [{ ...tombstone, tombstone: false }], retired: [] });
  table.replaceSome(["gone"], { peers: [], retired: [] });
  assert.deepEqual([ask().removed, ask().absent], [[], ["gone"]]);
});

Deno.test("forget: remembers as many purged peers as is useful, and no more", () => {
  const table = new DesiredTable();
  const purge = (from: number, count: number) =>
    table.forget({
      peers: Array.from({ length: count }, (_, n) => ({ ...tombstone, id: `peer ${from + n}` })),
      retired: [],
      released: [],
    });
  purge(0, 10_000);
  purge(10_000, 500);
  assert.deepEqual(
    ["peer 499", "peer 500", "peer 10499"].map((id) => table.isGone(id)),
    [false, true, true],
  );
});
