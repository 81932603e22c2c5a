import assert from "node:assert/strict";
import {
  afterRestart,
  heldWrites,
  type Keeper,
  keeper,
  key,
  live,
  peer,
} from "../../tests/support/snapshot_keeper.ts";
import { Secret } from "../../lib/secret.ts";
import { SnapshotError } from "./file.ts";

Deno.test("T8: load: the rows are as they were, their secrets too", async () => {
  const rows = [
    peer(6),
    peer(7, { presharedKey: null, expiresAt: Date.now() + 1e6 }),
    peer(8, { heldBecause: "why" }),
    peer(9, { active: false }),
  ];
  const { table, snapshot } = await afterRestart({ peers: rows }, async () => {});
  assert.deepEqual([...table.peers.values()], rows);
  assert.deepEqual(
    [...table.peers.values()].map((found) => found.presharedKey?.reveal()),
    rows.map((row) => row.presharedKey?.reveal()),
  );
  assert.notEqual(snapshot.view.writtenAt, null);
});

Deno.test("T7: beforeAdding: who comes while it is being written down is not taken for somebody added by hand", async () => {
  const disk = heldWrites();
  const second = await afterRestart({ peers: [peer(6)] }, async (first) => {
    first.read({ peers: [peer(6), peer(7)] });
    await first.snapshot.beforeAdding([key(7)]);
    const closed = first.snapshot.close();
    await disk.begun;
    first.read({ peers: [peer(6), peer(7), peer(8)] });
    await first.snapshot.beforeAdding([key(6), key(7), key(8)]);
    disk.letGo();
    await closed;
  }, disk.change);
  second.read({ peers: [peer(6)] });
  second.table.adopt([key(6), key(8)]);
  assert.equal(second.table.explain(key(8)), "adopted");
});

const broken = () => Promise.reject(new SnapshotError("the disk is broken"));

Deno.test("T8, T3: load: a successor waits on; of a key that went the other one is left", async () => {
  const successor = (byte: number) => ({
    publicKey: key(byte),
    presharedKey: new Secret(key(255 - byte)),
    deadline: 5000,
    heldBecause: null,
  });
  const peers = [6, 7, 8, 9].map((byte) => peer(byte, { successor: successor(byte + 100) }));
  const second = await afterRestart({ peers }, async ({ snapshot }) => {
    await snapshot.beforeSaying({ removed: [], purged: [key(7), key(108)], expiry: 0 });
    await snapshot.beforeSaying({ removed: [key(9), key(109)], purged: [], expiry: 0 });
  });
  const found = [...second.table.peers.values()].map((peer) => ({
    key: peer.publicKey,
    psk: peer.presharedKey?.reveal(),
    next: peer.successor?.publicKey,
    deadline: peer.successor?.deadline,
  }));
  const left = { next: undefined, deadline: undefined };
  assert.deepEqual(found, [
    { key: key(6), psk: key(249), next: key(106), deadline: 5000 },
    { key: key(107), psk: key(148), ...left },
    { key: key(8), psk: key(247), ...left },
  ]);
});

Deno.test("T8: beforeSaying: an expiry that was told stays past for a clock set back, whether the file names the peer or not", async () => {
  const end = Date.now() + 3_600_000;
  const guest = peer(7, { expiresAt: end });
  for (const removed of [[key(7)], []]) {
    const second = await afterRestart({ peers: [peer(6), guest] }, async ({ snapshot }) => {
      await snapshot.beforeSaying({ removed, purged: [], expiry: end });
    });
    assert.equal(second.seen.now(), end);
    assert.deepEqual(live(second), [key(6)]);
  }
});

Deno.test("T8: beforeSaying: a time that cannot be noted does not cost the snapshot", async () => {
  const end = Date.now() + 3_600_000;
  const second = await afterRestart({ peers: [peer(6)] }, async ({ snapshot }) => {
    await snapshot.beforeSaying({ removed: [], purged: [], expiry: end });
    assert.notEqual(snapshot.view.writtenAt, null);
  }, () => ({ strike: broken }));
  assert.deepEqual(live(second), [key(6)]);
});

Deno.test("T8: load: the highest time seen counts, not the clock that was set back", async () => {
  const end = Date.now() + 1000;
  const second = await afterRestart({ peers: [peer(6, { expiresAt: end })] }, async (first) => {
    first.clock.advance(2000);
    first.seen.now();
    first.read({ peers: [peer(6, { expiresAt: end })] });
    await first.snapshot.close();
  });
  assert.deepEqual(live(second), []);
  assert.ok(second.seen.now() >= end);
});

Deno.test("T7: load: a key without a row is vanished when it was known, and foreign or adopted when it was not", async () => {
  const rows = {
    peers: [peer(6), peer(7)],
    retired: [{ tenantId: 1, peerId: "r", publicKey: key(9) }],
  };
  const explained = (second: Keeper) => {
    second.read({ peers: [peer(6)] });
    second.table.adopt([key(6), key(7), key(8)]);
    return [7, 8, 9].map((byte) => second.table.explain(key(byte)));
  };
  const clean = await afterRestart(rows, async () => {});
  assert.deepEqual(explained(clean), ["vanished", "foreign", "vanished"]);
  // The daemon was killed while it knew of peers that it had not written down: whose 8 is, nobody knows.
  const killed = await afterRestart(
    rows,
    ({ snapshot }) => snapshot.beforeAdding([key(6), key(8)]),
  );
  assert.deepEqual(explained(killed), ["vanished", "adopted", "vanished"]);
  // And it remembers over two restarts; what was adopted once stays held.
  const folder = await Deno.makeTempDir({ prefix: "massacorp-snapshot-" });
  const first = await keeper(folder);
  first.read(rows);
  first.read({ peers: [peer(6)] });
  first.table.adopt([key(6), key(7), key(10)]);
  await first.snapshot.close();
  const second = await keeper(folder);
  await second.snapshot.load();
  await second.snapshot.close();
  assert.deepEqual(explained(second), ["vanished", "foreign", "vanished"]);
  assert.equal(second.table.explain(key(10)), "vanished");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("T7: a snapshot is not written before everything was read", async () => {
  const second = await afterRestart({ peers: [peer(6)] }, async () => {});
  assert.equal(second.table.digests, undefined);
  await second.snapshot.close();
  assert.deepEqual(live(second), [key(6)]);
});
