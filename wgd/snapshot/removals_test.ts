import assert from "node:assert/strict";
import {
  afterRestart,
  heldWrites,
  keeper,
  key,
  live,
  peer,
} from "../../tests/support/snapshot_keeper.ts";
import { pauseFor } from "../../lib/pause.ts";
import { turn, until } from "../../tests/support/until.ts";
import { SnapshotError } from "./file.ts";

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
    await turn();
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

/** Fails unless it ends before a timer does that is set after its own: those go off in order, however late all are. */
async function endsWithin<T>(ms: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const first = await Promise.race([
    work.then(() => "ended", () => "ended"),
    pauseFor(ms, over.signal).then(() => `${ms} ms went by`),
  ]);
  over.abort();
  assert.equal(first, "ended", "nobody waits for it");
  return await work;
}

Deno.test("T3, T8: a disk that hangs holds up nobody, lets nothing be said that it may undo, and is believed once it answers", async () => {
  const answers = Promise.withResolvers<void>();
  let hangs = true;
  const rows = { peers: [peer(6), peer(7), peer(8)] };
  const second = await afterRestart(rows, async ({ snapshot, read }) => {
    const seven = { removed: [key(7)], purged: [], expiry: 0 };
    const started = performance.now();
    await assert.rejects(snapshot.beforeSaying(seven), SnapshotError);
    assert.ok(performance.now() - started >= 900, "at first it is given its time");
    assert.match(snapshot.view.error ?? "", /does not answer/);
    for (let pass = 0; pass < 20; pass++) {
      const eight = { ...seven, removed: [key(8)] };
      await endsWithin(500, snapshot.beforeAdding([key(9)]));
      // Another one's removal is not said either, but one that was told before and is not in the file is.
      await assert.rejects(endsWithin(500, snapshot.beforeSaying(eight)), SnapshotError);
      await endsWithin(500, snapshot.beforeSaying({ ...seven, removed: [key(10)] }));
    }
    hangs = false;
    answers.resolve();
    await until(
      "the next pass may say it",
      () =>
        snapshot.beforeSaying({ ...seven, removed: [key(7), key(8)] }).then(
          () => true,
          () => false,
        ),
    );
    read({ peers: [peer(6)] });
  }, (real) => ({
    async strike(keys, time) {
      if (hangs) await answers.promise;
      await real.strike(keys, time);
    },
  }), { ms: 1_000, afterwardsMs: 5 });
  assert.deepEqual(live(second), [key(6)]);
});
