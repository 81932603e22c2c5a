import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import type { DesiredPeer } from "../desired.ts";
import type { ObservedPeer } from "../observed.ts";
import { emptyAccount } from "./account.ts";
import { Ledger } from "./ledger.ts";

const second = 1_900_000_000;
const start = second * 1000;
const interval = 30_000;

function row(id: string, change: Partial<DesiredPeer> = {}): DesiredPeer {
  return desiredPeer({
    id,
    publicKey: `key of ${id}`,
    ...change,
  });
}

function seen(id: string, receivedBytes: number, change: Partial<ObservedPeer> = {}): ObservedPeer {
  return {
    publicKey: `key of ${id}`,
    presharedKey: null,
    endpoint: "192.0.2.7:40000",
    allowedIps: [],
    latestHandshake: second,
    receivedBytes,
    sentBytes: 0,
    persistentKeepalive: null,
    ...change,
  };
}

/** A ledger with a clock of its own, and a database that takes everything. */
function given({ loaded = true } = {}) {
  const ledger = new Ledger(interval);
  if (loaded) ledger.load([], 0);
  let elapsed = 0;
  return {
    ledger,
    at(ms: number) {
      elapsed = ms;
    },
    look(peers: ObservedPeer[], options: { created?: boolean; rows?: DesiredPeer[] } = {}) {
      const rows = options.rows ?? ["a", "b"].map((id) => row(id));
      ledger.look({
        peers: rows,
        observed: new Map(peers.map((peer) => [peer.publicKey, peer])),
        created: options.created ?? false,
        all: true,
        now: start + elapsed,
      });
    },
    due: (everything = false) =>
      ledger.due({ monotonic: elapsed, now: start + elapsed, everything }),
    /** Writes what is due, and says what that was. */
    write(everything = false) {
      const due = ledger.due({ monotonic: elapsed, now: start + elapsed, everything });
      ledger.wrote(due, new Set(due.map(({ peerId }) => peerId)), elapsed);
      return due.map(({ peerId, account, events }) => [
        peerId,
        account.received,
        ...events.map(({ kind }) => kind),
      ]);
    },
  };
}

Deno.test("Ledger: who comes or goes is due at once, and counters when they have waited", () => {
  const { at, look, write } = given();
  look([seen("a", 100)]);
  assert.deepEqual(write(), [["a", 100, "connected"]]);
  for (const ms of [2000, 4000, 29_000]) {
    at(ms);
    look([seen("a", 100 + ms)]);
    assert.deepEqual(write(), []);
  }
  at(30_000);
  look([seen("a", 50_000)]);
  assert.deepEqual(write(), [["a", 50_000]]);
  at(32_000);
  look([]);
  assert.deepEqual(write(), [["a", 50_000, "disconnected"]]);
  look([]);
  assert.deepEqual(write(true), []);
});

Deno.test("Ledger: a peer that nothing happens to is never due, but when its handshake grows old", () => {
  const { at, look, write } = given();
  const same = [seen("a", 100)];
  look(same);
  write();
  at(179_999);
  look(same);
  assert.deepEqual(write(true), []);
  at(180_000);
  look(same);
  assert.deepEqual(write(), [["a", 100, "disconnected"]]);
});

Deno.test("Ledger: a peer that goes on is written before readers call it offline", () => {
  const ledger = new Ledger(3_600_000);
  ledger.load([], 0);
  const look = (ms: number, latestHandshake: number) => {
    const peer = seen("a", ms, { latestHandshake });
    ledger.look({
      peers: [row("a")],
      observed: new Map([[peer.publicKey, peer]]),
      created: false,
      all: true,
      now: start + ms,
    });
    const due = ledger.due({ monotonic: ms, now: start + ms });
    ledger.wrote(due, new Set(due.map(({ peerId }) => peerId)), ms);
    return due.length;
  };
  assert.equal(look(0, second), 1);
  assert.equal(look(120_000, second + 120), 0);
  assert.equal(look(152_000, second + 120), 1);
});

Deno.test("Ledger: what could not be written stays due, events in order, and is not counted twice", () => {
  const { at, look, due, write } = given();
  look([seen("a", 100)]);
  assert.equal(due().length, 1);
  at(2000);
  look([]);
  assert.deepEqual(write(), [["a", 100, "connected", "disconnected"]]);
  assert.deepEqual(write(true), []);
});

Deno.test("Ledger: an answer that comes late does not lose what happened meanwhile", () => {
  const { ledger, at, look, due, write } = given();
  look([seen("a", 100)]);
  const sent = due();
  at(2000);
  look([]);
  ledger.wrote(sent, new Set(["a"]), 2000);
  assert.deepEqual(write(), [["a", 100, "disconnected"]]);
});

Deno.test("Ledger: a peer without a row in the database gets one again", () => {
  const { ledger, look, due } = given();
  look([seen("a", 100)]);
  const first = due();
  assert.equal(first[0]?.hasRow, false);
  ledger.wrote(first, new Set(["a"]), 0);
  look([seen("a", 200, { latestHandshake: second + 1 })]);
  const second_ = due(true);
  assert.equal(second_[0]?.hasRow, true);
  ledger.wrote(second_, new Set(), 0);
  assert.equal(due(true)[0]?.hasRow, false);
});

Deno.test("Ledger: a restart goes on from what was recorded, and counts nothing twice", () => {
  const stored = {
    tenantId: 1,
    peerId: "a",
    account: {
      ...emptyAccount,
      publicKey: "key of a",
      keyReceived: 1000,
      received: 5000,
      handshake: second,
      onlineSince: start,
      endpoint: "192.0.2.7:40000",
      notedEndpoint: "192.0.2.7:40000",
      events: 7,
    },
  };
  const restart = (looks: { created: boolean; bytes: number }[], loadAt: number) => {
    const { ledger, look, write } = given({ loaded: false });
    looks.forEach(({ created, bytes }, index) => {
      if (index === loadAt) ledger.load([stored], 0);
      look([seen("a", bytes)], { created });
    });
    return write(true);
  };
  assert.deepEqual(restart([{ created: false, bytes: 1500 }], 0), [["a", 5500]]);
  assert.deepEqual(restart([{ created: false, bytes: 600 }], 0), [["a", 5600]]);
  assert.deepEqual(restart([{ created: true, bytes: 1500 }], 0), [["a", 6500]]);
  // The interface was made while the database was away.
  const late = [{ created: true, bytes: 0 }, { created: false, bytes: 1500 }];
  assert.deepEqual(restart(late, 1), [["a", 6500]]);
});

Deno.test("Ledger: peers on their way out are not written, and those that are gone are forgotten", () => {
  const { look, due } = given();
  look([seen("a", 100)], { rows: [row("a", { tombstone: true })] });
  assert.deepEqual(due(true), []);
  look([seen("a", 100)], { rows: [row("b")] });
  look([], { rows: [row("a")] });
  assert.deepEqual(due(true), []);
});

Deno.test("Ledger: a key that never heard anything is not worth a row", () => {
  const { look, due } = given();
  look([seen("a", 0, { latestHandshake: 0, endpoint: null })]);
  assert.deepEqual(due(true), []);
});

Deno.test("Ledger: where nothing happened, time alone still takes a peer offline", () => {
  const ledger = new Ledger(interval);
  ledger.load([], 0);
  const peers = [row("a"), row("b")];
  const observed = new Map([["key of a", seen("a", 1)]]);
  const look = (now: number, isSame: boolean) =>
    ledger.look({ peers, observed, created: false, all: true, isSame, now });
  look(start, false);
  ledger.wrote(ledger.due({ monotonic: 0, now: start }), new Set(["a"]), 0);
  look(start + 1_000, true);
  assert.deepEqual(ledger.due({ monotonic: 1, now: start + 1_000 }), []);
  look(start + 181_000, true);
  const [entry] = ledger.due({ monotonic: 2, now: start + 181_000 });
  assert.equal(entry?.events[0]?.kind, "disconnected");
});
