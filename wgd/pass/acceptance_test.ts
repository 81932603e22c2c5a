import assert from "node:assert/strict";
import { Secret } from "../../lib/secret.ts";
import { encodeKey } from "../../lib/wireguard_key.ts";
import { acceptedBy } from "./acceptance.ts";
import { type ObservedInterface, parseDump } from "../observed.ts";
import type { Command, PeerChange } from "../plan.ts";

const [fresh, other] = [
  encodeKey(new Uint8Array(32).fill(1)),
  encodeKey(new Uint8Array(32).fill(2)),
];
const known = {
  publicKey: "old",
  presharedKey: new Secret("psk"),
  endpoint: "192.0.2.1:1",
  allowedIps: ["10.10.0.6/32"],
  latestHandshake: 7,
  receivedBytes: 8,
  sentBytes: 9,
  persistentKeepalive: 25,
};
const before: ObservedInterface = {
  publicKey: "gateway",
  listenPort: 51820,
  fwmark: null,
  peers: new Map([["old", known]]),
  settings: {},
};
const change = (publicKey: string, more: Partial<PeerChange> = {}): PeerChange => ({
  publicKey,
  allowedIps: ["10.10.0.7/32"],
  ...more,
});
const set = (...changes: PeerChange[]): Command => ({
  kind: "set",
  entries: changes.map((change) => ({ kind: "peer", change })),
});

Deno.test("acceptedBy: a peer that was set is as it was set, and everybody else as before", () => {
  const psk = new Secret(encodeKey(new Uint8Array(32).fill(3)));
  const after = acceptedBy(
    [set(change(fresh, { presharedKey: psk })), { kind: "addconf", changes: [change(other)] }],
    before,
  );
  assert.deepEqual([...after?.peers.keys() ?? []], ["old", fresh, other]);
  assert.equal(after?.peers.get("old"), known);
  assert.equal(after?.peers.get(fresh)?.presharedKey?.reveal(), psk.reveal());
  assert.deepEqual(after?.peers.get(other)?.allowedIps, ["10.10.0.7/32"]);
  // As `wg` prints it, the line needs no second reading.
  const lines = [
    "(none)\t(none)\t51820\toff",
    `${fresh}\t${psk.reveal()}\t(none)\t10.10.0.7/32\t0\t0\t0\toff`,
  ];
  const read = parseDump(lines.join("\n") + "\n", after);
  assert.equal(read.peers.get(fresh), after?.peers.get(fresh));
  assert.equal(before.peers.size, 1);
  // Nobody may take it for a read-back that found nothing to do.
  assert.notEqual(after?.settings, before.settings);
});

Deno.test("acceptedBy: a change leaves session, counters and what it does not name", () => {
  const after = acceptedBy([set(change("old"))], before)?.peers.get("old");
  assert.deepEqual({ ...after }, { ...known, allowedIps: ["10.10.0.7/32"] });
  const taken = acceptedBy(
    [set(change("old", { presharedKey: null, keepaliveOff: true }))],
    before,
  )?.peers.get("old");
  assert.deepEqual([taken?.presharedKey, taken?.persistentKeepalive], [null, null]);
});

Deno.test("T3: acceptedBy: what takes a key off is never believed without a read-back", () => {
  const removal: Command = { kind: "set", entries: [{ kind: "remove", publicKey: "old" }] };
  assert.equal(acceptedBy([removal], before), undefined);
  assert.equal(acceptedBy([set(change(fresh)), removal], before), undefined);
  const rotation: Command = {
    kind: "set",
    entries: [{ kind: "peer", change: change(fresh) }, { kind: "remove", publicKey: "old" }],
  };
  assert.equal(acceptedBy([rotation], before), undefined);
  assert.equal(acceptedBy([], before), undefined);
});
