import assert from "node:assert/strict";
import fc from "fast-check";
import "../../tests/support/fixed_seed.ts";
import type { ObservedPeer } from "../observed.ts";
import { type Account, book, emptyAccount, type PeerEvent } from "./account.ts";

const second = 1_900_000_000;
const start = second * 1000;
const key = "j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=";

function peer(change: Partial<ObservedPeer> = {}): ObservedPeer {
  return {
    publicKey: key,
    presharedKey: null,
    endpoint: "192.0.2.7:40000",
    allowedIps: ["10.10.0.6/32"],
    latestHandshake: second,
    receivedBytes: 0,
    sentBytes: 0,
    persistentKeepalive: null,
    ...change,
  };
}

/** The totals and events after a row of looks, one a second. */
function after(looks: (ObservedPeer | undefined)[], from: Account = emptyAccount) {
  let account = from;
  const events: PeerEvent[] = [];
  looks.forEach((look, index) => {
    const booked = book(account, look, start + index * 1000);
    account = booked.account;
    if (booked.event) events.push(booked.event);
  });
  return { account, totals: [account.received, account.sent], events };
}
const bytes = (receivedBytes: number, sentBytes: number, change: Partial<ObservedPeer> = {}) =>
  peer({ receivedBytes, sentBytes, ...change });

Deno.test("book: counters go on over another life of the interface, of the peer and of its key", () => {
  const looks: Record<string, [(ObservedPeer | undefined)[], number[]]> = {
    "growing": [[bytes(10, 20), bytes(15, 20)], [15, 20]],
    "the first look at a key that counted before": [[bytes(1000, 1)], [1000, 1]],
    "the interface made anew": [[bytes(10, 20), bytes(3, 4)], [13, 24]],
    "one of both smaller": [[bytes(10, 20), bytes(3, 24)], [13, 24]],
    "taken off and put on, and already past where it was": [
      [bytes(10, 20), undefined, bytes(12, 22)],
      [22, 42],
    ],
    "another key": [[bytes(10, 20), bytes(12, 22, { publicKey: "another" })], [22, 42]],
    "nothing": [[bytes(10, 20), bytes(10, 20)], [10, 20]],
  };
  for (const [name, [given, totals]] of Object.entries(looks)) {
    assert.deepEqual(after(given).totals, totals, name);
  }
});

Deno.test("book: no look whatsoever makes a counter run backwards, or be no number", () => {
  const look = fc.option(
    fc.record({
      publicKey: fc.constantFrom("a", "b"),
      receivedBytes: fc.oneof(fc.nat(1000), fc.constantFrom(2 ** 53, 2 ** 64)),
      sentBytes: fc.nat(1000),
      latestHandshake: fc.oneof(
        fc.constantFrom(0, 2 ** 64),
        fc.integer({ min: second - 400, max: second + 400 }),
      ),
      endpoint: fc.constantFrom(null, "192.0.2.7:1", "192.0.2.8:1"),
    }).map(peer),
    { nil: undefined },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(look, fc.nat(300_000))), (looks) => {
      let account = emptyAccount;
      let now = start;
      for (const [seen, pause] of looks) {
        now += pause;
        const { account: next, event } = book(account, seen, now);
        assert.ok(next.received >= account.received && next.sent >= account.sent);
        assert.ok(Number.isSafeInteger(next.received) && Number.isSafeInteger(next.keyReceived));
        assert.equal(next.events, account.events + (event ? 1 : 0));
        assert.ok(!Number.isNaN(new Date(next.handshake * 1000).getTime()));
        if (event) assert.ok(event.at <= now);
        // Connected and disconnected take turns.
        if (event?.kind === "connected") assert.equal(account.onlineSince, null);
        if (event?.kind === "disconnected") assert.notEqual(account.onlineSince, null);
        account = next;
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("book: connected with the handshake, disconnected when that is 180 s old", () => {
  const { events, account } = after([peer({ latestHandshake: 0, endpoint: null }), peer(), peer()]);
  assert.deepEqual(events, [
    { n: 1, kind: "connected", at: start, endpoint: "192.0.2.7:40000" },
  ]);
  assert.equal(account.onlineSince, start);
  assert.equal(book(account, peer(), start + 179_999).event, null);
  const gone = book(account, peer(), start + 185_000);
  assert.deepEqual(gone.event, {
    n: 2,
    kind: "disconnected",
    at: start + 180_000,
    endpoint: "192.0.2.7:40000",
  });
  assert.equal(gone.account.onlineSince, null);
  assert.equal(gone.account.handshake, second);
  const again = book(gone.account, peer({ latestHandshake: second + 200 }), start + 201_000);
  assert.deepEqual([again.event?.kind, again.event?.n], ["connected", 3]);
});

Deno.test("book: a peer taken off the interface is disconnected at that moment, and keeps its last handshake", () => {
  const { events, account } = after([peer(), undefined]);
  assert.deepEqual(events.map(({ kind, at }) => [kind, at]), [
    ["connected", start],
    ["disconnected", start + 1000],
  ]);
  assert.deepEqual([account.handshake, account.endpoint], [second, "192.0.2.7:40000"]);
});

Deno.test("book: another endpoint is an event, at most once a minute, and the last one is never missed", () => {
  const at = (port: number) => peer({ endpoint: `192.0.2.7:${port}` });
  const flapping = after(Array.from({ length: 200 }, (_, i) => at(1000 + (i % 2))));
  assert.ok(flapping.events.length <= 5, `${flapping.events.length} events`);
  const { account, events } = after([at(1), at(2)]);
  assert.equal(account.endpoint, "192.0.2.7:2");
  assert.equal(events.length, 1);
  assert.deepEqual(book(account, at(2), start + 90_000).event, {
    n: 2,
    kind: "endpoint_changed",
    at: start + 90_000,
    endpoint: "192.0.2.7:2",
  });
});
