import assert from "node:assert/strict";
import { addressPlan } from "../lib/address.ts";
import { silentLogger } from "../lib/log.ts";
import { Secret } from "../lib/secret.ts";
import { encodeKey } from "../lib/wireguard_key.ts";
import { FakeClock } from "../tests/support/clock.ts";
import type { DesiredPeer, DesiredState } from "./desired.ts";
import { Seen } from "./seen.ts";
import { createSnapshot } from "./snapshot.ts";
import { openSnapshotFile, SnapshotError, type SnapshotFile } from "./snapshot_file.ts";
import { DesiredTable } from "./table.ts";

const key = (byte: number) => encodeKey(new Uint8Array(32).fill(byte));
const presharedSubkey = new Secret(crypto.getRandomValues(new Uint8Array(32)));

function peer(byte: number, more: Partial<DesiredPeer> = {}): DesiredPeer {
  return {
    tenantId: 1,
    id: `00000000-0000-7000-8000-0000000000${byte.toString(16).padStart(2, "0")}`,
    publicKey: key(byte),
    address: `10.10.0.${byte}`,
    allowedIps: [`10.10.0.${byte}/32`],
    successor: null,
    presharedKey: new Secret(key(255 - byte)),
    generation: "7",
    active: true,
    expiresAt: null,
    tombstone: false,
    heldBecause: null,
    status: null,
    ...more,
  };
}

/** A daemon's memory beside a real file; `change` stands between them for faults of the disk. */
async function keeper(
  folder: string,
  change: (file: SnapshotFile) => Partial<SnapshotFile> = () => ({}),
) {
  const real = await openSnapshotFile({
    path: `${folder}/snapshot`,
    presharedSubkeys: [presharedSubkey],
    place: "x",
  });
  const changed = change(real);
  const file: SnapshotFile = {
    get free() {
      return changed.free ?? real.free;
    },
    read: () => real.read(),
    write: changed.write ?? ((body) => real.write(body)),
    strike: changed.strike ?? ((keys, time) => real.strike(keys, time)),
    markIncomplete: changed.markIncomplete ?? (() => real.markIncomplete()),
    unlink: changed.unlink ?? (() => real.unlink()),
  };
  const table = new DesiredTable();
  const clock = new FakeClock();
  const seen = new Seen(clock);
  const snapshot = createSnapshot({
    file,
    plan: addressPlan("10.10.0.0/24"),
    table,
    seen,
    clock,
    log: silentLogger,
  });
  return {
    folder,
    table,
    seen,
    clock,
    snapshot,
    read: (state: Partial<DesiredState>) =>
      table.replaceAll({
        slices: "all",
        digests: new Map(),
        released: [],
        state: { peers: [], retired: [], ...state },
      }),
  };
}

type Keeper = Awaited<ReturnType<typeof keeper>>;
const live = ({ table, seen }: Keeper) => {
  const now = seen.now();
  return [...table.peers.values()].filter(({ active, expiresAt }) =>
    active && (expiresAt === null || expiresAt > now)
  ).map((found) => found.publicKey);
};

/** A first daemon that knows these rows and has written them; then `act`, then a second one on the same disk. */
async function afterRestart(
  rows: Partial<DesiredState>,
  act: (first: Keeper) => Promise<unknown>,
  change?: (file: SnapshotFile) => Partial<SnapshotFile>,
): Promise<Keeper> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-snapshot-" });
  try {
    const first = await keeper(folder, change);
    first.read(rows);
    await first.snapshot.close();
    await act(first);
    const second = await keeper(folder);
    await second.snapshot.load();
    return second;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

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

Deno.test("T3: beforeSaying: what was said to be gone is not in the snapshot from then on", async () => {
  const rows = { peers: [peer(6), peer(7), peer(8)] };
  const second = await afterRestart(
    rows,
    ({ snapshot }) => snapshot.beforeSaying({ removed: [key(7)], purged: [key(8)], expiry: 0 }),
  );
  assert.deepEqual(live(second), [key(6)]);
  assert.equal(second.table.explain(key(8)), "foreign");
});

Deno.test("T3: beforeSaying: of a retired and of a held key that went nothing is remembered", async () => {
  const retired = [7, 8].map((n) => ({ tenantId: 1, peerId: "r", publicKey: key(n) }));
  const rows = { peers: [peer(6), peer(9), peer(10)], retired };
  const second = await afterRestart(rows, async (first) => {
    // Two rows vanish, so that their keys are held; it is written down like that.
    first.read({ peers: [peer(6)], retired });
    await first.snapshot.close();
    await first.snapshot.beforeSaying({ removed: [], purged: [key(7), key(9)], expiry: 0 });
  });
  assert.deepEqual([7, 8, 9, 10].map((n) => second.table.explain(key(n))), [
    "foreign",
    "retired",
    "foreign",
    "vanished",
  ]);
});

Deno.test("T3: beforeSaying: with no free slot the whole is written anew, without what was removed", async () => {
  const many = Array.from({ length: 200 }, (_, at) => peer(at + 6));
  const second = await afterRestart({ peers: many }, async (first) => {
    first.read({ peers: many.map((row) => ({ ...row, active: row.id === many[0]?.id })) });
    await first.snapshot.beforeSaying({
      removed: many.slice(1).map((row) => row.publicKey),
      purged: [],
      expiry: 0,
    });
  }, (real) => ({
    get free() {
      return Math.min(real.free, 100);
    },
  }));
  assert.deepEqual(live(second), [key(6)]);
});

/** A disk whose writes wait, from the second one on, until they are let go. */
function heldWrites() {
  const begun = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  let writes = 0;
  const change = (real: SnapshotFile): Partial<SnapshotFile> => ({
    async write(body) {
      if (++writes > 1) {
        begun.resolve();
        await letGo.promise;
      }
      await real.write(body);
    },
  });
  return { begun: begun.promise, letGo: letGo.resolve, change };
}

Deno.test("T3: beforeSaying: what goes while it is being written down for the first time does not come back", async () => {
  const disk = heldWrites();
  const end = Date.now() + 3_600_000;
  const second = await afterRestart({ peers: [peer(6)] }, async (first) => {
    first.read({ peers: [peer(6), peer(7), peer(8), peer(9, { expiresAt: end })] });
    const closed = first.snapshot.close();
    await disk.begun;
    let isSaid = false;
    const said = first.snapshot.beforeSaying({
      removed: [key(7), key(9)],
      purged: [key(8)],
      expiry: end,
    }).then(() => isSaid = true);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.ok(!isSaid, "nobody is told as long as nobody knows what the disk will have");
    disk.letGo();
    await Promise.all([closed, said]);
  }, disk.change);
  assert.deepEqual(live(second), [key(6)]);
  assert.equal(second.table.explain(key(8)), "foreign");
  assert.equal(second.seen.now(), end);
});

Deno.test("T3: beforeSaying: a write that failed half-way may be what the disk has", async () => {
  let writes = 0;
  let isUnsure = false;
  const looked = Promise.withResolvers<void>();
  const second = await afterRestart({ peers: [peer(6)] }, async (first) => {
    first.read({ peers: [peer(6), peer(7)] });
    const closed = first.snapshot.close();
    await first.snapshot.beforeSaying({ removed: [key(7)], purged: [], expiry: 0 });
    const onDisk = await keeper(first.folder);
    await onDisk.snapshot.load();
    assert.ok(!live(onDisk).includes(key(7)));
    looked.resolve();
    await closed;
  }, (real) => ({
    get free() {
      return isUnsure ? 0 : real.free;
    },
    async write(body) {
      await real.write(body);
      isUnsure = ++writes === 2;
      if (isUnsure) throw new SnapshotError("the folder cannot be synced");
    },
    async unlink() {
      await looked.promise;
      await real.unlink();
    },
  }));
  assert.ok(!live(second).includes(key(7)));
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

Deno.test("T3: beforeSaying: a removal that cannot be noted takes the snapshot away", async () => {
  const second = await afterRestart({ peers: [peer(6), peer(7)] }, async ({ snapshot }) => {
    await snapshot.beforeSaying({ removed: [key(7)], purged: [], expiry: 0 });
    assert.deepEqual(snapshot.view, { writtenAt: null, error: "the disk is broken" });
  }, () => ({ strike: broken }));
  assert.deepEqual([live(second), second.snapshot.view], [[], { writtenAt: null, error: null }]);
});

Deno.test("T3: beforeSaying: where it cannot even be taken away, nothing may be said", async () => {
  await afterRestart({ peers: [peer(6), peer(7)] }, async ({ snapshot }) => {
    const keys = { removed: [key(7)], purged: [], expiry: 0 };
    await assert.rejects(snapshot.beforeSaying(keys), SnapshotError);
    // And asked again, it is not forgotten that it failed.
    await assert.rejects(snapshot.beforeSaying(keys), SnapshotError);
  }, () => ({ strike: broken, unlink: broken }));
});

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
