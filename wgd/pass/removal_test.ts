import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { silentLogger } from "../../lib/log.ts";
import { encodeKey } from "../../lib/wireguard_key.ts";
import type { DesiredPeer, RetiredKey } from "../desired.ts";
import { parseDump } from "../observed.ts";
import { maySayRemoved, purgeable } from "./removal.ts";
import type { Snapshot } from "../snapshot/mod.ts";
import { SnapshotError } from "../snapshot/file.ts";
import { DesiredTable, type Purge } from "../desired/table.ts";
import type { Verdict } from "../seen/verdict.ts";

const now = Date.parse("2026-11-28T12:00:00Z");
const key = (n: number) => encodeKey(new Uint8Array(32).fill(n));
const on = (...keys: string[]) =>
  parseDump(
    `(none)\t(none)\t1\toff\n${
      keys.map((each) => `${each}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n`).join("")
    }`,
  );
const removed: Verdict = { state: "removed", error: null };
const failed: Verdict = { state: "failed", error: "the peer is still on the interface" };

const peer = (n: number, changes: Partial<DesiredPeer> = {}) =>
  desiredPeer({
    id: `peer ${n}`,
    publicKey: key(n),
    address: `10.10.0.${n}`,
    allowedIps: [`10.10.0.${n}/32`],
    active: false,
    ...changes,
  });

Deno.test("purgeable: T3: a tombstone and a key that were read back gone; what a row wants again, and a release, by all rows alone", () => {
  const [gone, left, disabled, wanted] = [
    peer(1, { tombstone: true }),
    peer(2, { tombstone: true }),
    peer(3),
    peer(4, { active: true }),
  ];
  const [off, onStill, wantedAgain] = [5, 6, 4].map((n): RetiredKey => ({
    tenantId: 1,
    peerId: "peer 9",
    publicKey: key(n),
  }));
  assert(off && onStill && wantedAgain);
  const rows = { peers: [gone, left, disabled, wanted], retired: [off, onStill, wantedAgain] };
  const table = new DesiredTable();
  table.replaceAll({
    state: rows,
    slices: "all",
    digests: new Map(),
    // Of a key with a row, of one that is off, and of one that is on still.
    released: [key(4), key(7), key(8)],
  });
  const after = on(key(2), key(4), key(6), key(8));
  const verdicts = new Map([
    [gone.id, removed],
    [left.id, failed],
    [disabled.id, removed],
    [wanted.id, { state: "applied", error: null } as const],
  ]);
  assert.deepEqual(purgeable(table, { scope: "all", rows, after, verdicts }), {
    peers: [gone],
    retired: [off, wantedAgain],
    released: [key(4), key(7)],
  });
  assert.deepEqual(purgeable(table, { scope: [gone.id], rows, after, verdicts }), {
    peers: [gone],
    retired: [off],
    released: [],
  });
});

Deno.test("maySayRemoved: T3, T8: notes each key and the latest expiry first, and where it cannot, the removals have failed", async () => {
  const successor = { publicKey: key(12), presharedKey: null, deadline: now, heldBecause: null };
  const peers = [
    peer(1, { successor, expiresAt: now - 2_000 }),
    peer(2, { expiresAt: now - 1_000, active: true }),
    peer(3, { expiresAt: now + 1_000 }),
    peer(4, { expiresAt: now, active: true }),
  ];
  const before: [string, Verdict][] = [
    ...peers.slice(0, 3).map((each): [string, Verdict] => [each.id, removed]),
    ["peer 4", failed],
  ];
  const purge: Purge = {
    peers: [],
    // The second is on the interface again, as somebody else's: it is not to be forgotten.
    retired: [5, 6].map((n) => ({ tenantId: 1, peerId: "peer 1", publicKey: key(n) })),
    released: [key(7)],
  };
  const say = async (beforeSaying: Snapshot["beforeSaying"]) => {
    const verdicts = new Map(before);
    const isSaid = await maySayRemoved({
      log: silentLogger,
      snapshot: {
        view: { writtenAt: null, error: null },
        load: () => Promise.resolve(),
        beforeAdding: () => Promise.resolve(),
        beforeSaying,
        passed() {},
        close: () => Promise.resolve(),
      },
    }, { rows: { peers, retired: [] }, purge, verdicts, after: on(key(4), key(6)), now });
    return { isSaid, verdicts };
  };
  const noted: unknown[] = [];
  const well = await say((keys) => Promise.resolve(void noted.push(keys)));
  assert.deepEqual(noted, [{
    removed: [key(1), key(12), key(2), key(3)],
    purged: [key(5), key(7)],
    expiry: now - 1_000,
  }]);
  assert.deepEqual([well.isSaid, [...well.verdicts]], [true, before]);

  const full = await say(() => Promise.reject(new SnapshotError("the disk is full")));
  assert.equal(full.isSaid, false);
  assert.deepEqual([...full.verdicts.values()].map(({ state }) => state), Array(4).fill("failed"));
  assert.match(full.verdicts.get("peer 1")?.error ?? "", /a snapshot that might bring it back/);
  assert.deepEqual(full.verdicts.get("peer 4"), failed);
  await assert.rejects(say(() => Promise.reject(new TypeError("another"))), TypeError);
});
