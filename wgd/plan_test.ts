import assert from "node:assert/strict";
import { desiredPeer } from "../tests/support/daemon_views.ts";
import { Secret } from "../lib/secret.ts";
import type { DesiredPeer } from "./desired.ts";
import type { ObservedPeer } from "./observed.ts";
import { type Command, differences, plan, removalsOnly } from "./plan.ts";
import { renderPeers, renderSet } from "./interface/wg.ts";

const now = Date.UTC(2030, 0, 1);

function key(n: number): string {
  return `${String(n).padStart(42, "0")}A=`;
}

function row(n: number, more: Partial<DesiredPeer> = {}): DesiredPeer {
  return desiredPeer({
    id: `id-${n}`,
    publicKey: key(n),
    address: `10.10.0.${n}`,
    allowedIps: [`10.10.0.${n}/32`],
    ...more,
  });
}

function seen(n: number, more: Partial<ObservedPeer> = {}): ObservedPeer {
  return {
    publicKey: key(n),
    presharedKey: null,
    endpoint: "192.0.2.9:1234",
    allowedIps: [`10.10.0.${n}/32`],
    latestHandshake: 0,
    receivedBytes: 0,
    sentBytes: 0,
    persistentKeepalive: null,
    ...more,
  };
}

const next = (n: number) => ({
  publicKey: key(n),
  presharedKey: pskB,
  deadline: now + 1000,
  heldBecause: null,
});
const both = (n: number) => [`10.10.0.${n}/32`, `fd00::${n}/128`];

interface Case {
  name: string;
  rows?: DesiredPeer[];
  retired?: number[];
  foreign?: number[];
  observed?: ObservedPeer[];
  expected: string[];
}

/** Commands as text, the way `wg` gets them; keys as their number. */
function render(commands: readonly Command[]): string[] {
  return commands.map((command) => {
    if (command.kind === "addconf") {
      return `addconf ${renderPeers(command.changes)}`.replaceAll("\n", " ").trim();
    }
    const { args, stdin } = renderSet(command);
    return `set ${args.join(" ")}${stdin ? ` < ${stdin.reveal()}` : ""}`;
  }).map((text) => text.replace(/0{30,}(\d+)A=/g, "K$1").replace(/ {2,}/g, " "));
}

function planned(
  { rows = [], retired = [], foreign = [], observed = [] }: Partial<Case>,
): Command[] {
  return plan({
    peers: rows,
    retired: retired.map((n) => ({ tenantId: 1, peerId: "id", publicKey: key(n) })),
    foreign: foreign.map(key),
    observed: new Map(observed.map((peer) => [peer.publicKey, peer])),
    hasRow: (publicKey) => rows.some((peer) => peer.publicKey === publicKey),
    now,
  });
}

const pskA = new Secret("PSK-A");
const pskB = new Secret("PSK-B");

const cases: Case[] = [
  { name: "nothing for nothing", expected: [] },
  {
    name: "T4: nothing for a peer as it should be",
    rows: [row(6, { presharedKey: pskA })],
    observed: [seen(6, { presharedKey: new Secret("PSK-A") })],
    expected: [],
  },
  {
    name: "a new peer gets its own address alone",
    rows: [row(6)],
    expected: ["set peer K6 allowed-ips 10.10.0.6/32"],
  },
  {
    name: "T6: one new peer with a preshared key by stdin",
    rows: [row(6, { presharedKey: pskA })],
    expected: ["set peer K6 preshared-key /dev/stdin allowed-ips 10.10.0.6/32 < PSK-A"],
  },
  {
    name: "several new peers with preshared keys by one addconf",
    rows: [row(6, { presharedKey: pskA }), row(7, { presharedKey: pskB })],
    expected: [
      "addconf [Peer] PublicKey = K6 PresharedKey = PSK-A AllowedIPs = 10.10.0.6/32 " +
      "[Peer] PublicKey = K7 PresharedKey = PSK-B AllowedIPs = 10.10.0.7/32",
    ],
  },
  {
    name: "T2: a stolen address is given back",
    rows: [row(6)],
    observed: [seen(6, { allowedIps: [] })],
    expected: ["set peer K6 allowed-ips 10.10.0.6/32"],
  },
  {
    name: "T2: a widened peer is narrowed",
    rows: [row(6)],
    observed: [seen(6, { allowedIps: ["10.10.0.6/32", "0.0.0.0/0"] })],
    expected: ["set peer K6 allowed-ips 10.10.0.6/32"],
  },
  {
    name: "T2: a preshared key that should be absent is cleared",
    rows: [row(6)],
    observed: [seen(6, { presharedKey: pskA })],
    expected: ["set peer K6 preshared-key /dev/null allowed-ips 10.10.0.6/32"],
  },
  {
    name: "T2: a changed preshared key is set again",
    rows: [row(6, { presharedKey: pskA })],
    observed: [seen(6, { presharedKey: pskB })],
    expected: ["set peer K6 preshared-key /dev/stdin allowed-ips 10.10.0.6/32 < PSK-A"],
  },
  {
    name: "a preshared key that is right is not written again",
    rows: [row(6, { presharedKey: pskA })],
    observed: [seen(6, { presharedKey: new Secret("PSK-A"), allowedIps: [] })],
    expected: ["set peer K6 allowed-ips 10.10.0.6/32"],
  },
  {
    name: "T2: a keepalive set by hand is switched off",
    rows: [row(6)],
    observed: [seen(6, { persistentKeepalive: 25 })],
    expected: ["set peer K6 persistent-keepalive 0 allowed-ips 10.10.0.6/32"],
  },
  {
    name: "a peer with IPv6 that is right is not touched, in whatever order it is listed",
    rows: [row(6, { allowedIps: both(6) })],
    observed: [seen(6, { allowedIps: both(6).toReversed() })],
    expected: [],
  },
  {
    name: "an IPv6 address that is missing, or another one, is put right",
    rows: [row(6, { allowedIps: both(6) }), row(7, { allowedIps: both(7) })],
    observed: [seen(6), seen(7, { allowedIps: ["10.10.0.7/32", "fd00::8/128"] })],
    expected: [
      "set peer K6 allowed-ips 10.10.0.6/32,fd00::6/128 peer K7 allowed-ips 10.10.0.7/32,fd00::7/128",
    ],
  },
  {
    name: "IPv6 that was turned off is taken away",
    rows: [row(6)],
    observed: [seen(6, { allowedIps: both(6) })],
    expected: ["set peer K6 allowed-ips 10.10.0.6/32"],
  },
  {
    name: "T3: a peer that is not active goes",
    rows: [row(6, { active: false })],
    observed: [seen(6)],
    expected: ["set peer K6 remove"],
  },
  {
    name: "T3: an expired peer goes at its very time",
    rows: [row(6, { expiresAt: now }), row(7, { expiresAt: now + 1 })],
    observed: [seen(6), seen(7)],
    expected: ["set peer K6 remove"],
  },
  {
    name: "T3: a peer that is not active goes even where its row is held",
    rows: [row(6, { active: false, heldBecause: "bad address" })],
    observed: [seen(6)],
    expected: ["set peer K6 remove"],
  },
  {
    name: "a held row is neither applied nor taken off",
    rows: [row(6, { heldBecause: "bad" }), row(7, { heldBecause: "bad", address: "10.10.0.1" })],
    observed: [seen(7)],
    expected: [],
  },
  {
    name: "a retired key goes",
    retired: [6],
    observed: [seen(6)],
    expected: ["set peer K6 remove"],
  },
  {
    name: "a retired key that a row uses again stays",
    rows: [row(6)],
    retired: [6],
    observed: [seen(6)],
    expected: [],
  },
  { name: "a retired key that is gone needs nothing", retired: [6], expected: [] },
  {
    name: "rotation: the new key takes the address and the old one goes, in one call",
    rows: [row(6, { publicKey: key(60), presharedKey: pskB })],
    retired: [6],
    observed: [seen(6, { presharedKey: pskA })],
    expected: [
      "set peer K60 preshared-key /dev/stdin allowed-ips 10.10.0.6/32 peer K6 remove < PSK-B",
    ],
  },
  {
    name: "a successor waits beside its peer's key, with its preshared key and without allowed IPs",
    rows: [row(6, { successor: next(60) })],
    observed: [seen(6)],
    expected: ["set peer K60 preshared-key /dev/stdin allowed-ips < PSK-B"],
  },
  {
    name: "a successor that waits as it should is not touched, nor is its peer",
    rows: [row(6, { successor: next(60) })],
    observed: [seen(6), seen(60, { presharedKey: pskB, allowedIps: [] })],
    expected: [],
  },
  {
    name: "T2: a waiting successor that was given the address by hand loses it again",
    rows: [row(6, { successor: next(60) })],
    observed: [
      seen(6, { allowedIps: [] }),
      seen(60, { presharedKey: pskB, allowedIps: ["10.10.0.6/32"] }),
    ],
    expected: ["set peer K6 allowed-ips 10.10.0.6/32 peer K60 allowed-ips "],
  },
  {
    name: "a successor that takes over keeps its session: the address moves to it in one call",
    rows: [row(6, { publicKey: key(60), presharedKey: pskB })],
    retired: [6],
    observed: [seen(6), seen(60, { presharedKey: pskB, allowedIps: [] })],
    expected: ["set peer K60 allowed-ips 10.10.0.6/32 peer K6 remove"],
  },
  {
    name: "T3: of a peer that is not wanted the successor goes as well",
    rows: [row(6, { active: false, successor: next(60) })],
    observed: [seen(6), seen(60)],
    expected: ["set peer K6 remove peer K60 remove"],
  },
  {
    name: "a successor that cannot be applied holds nothing up",
    rows: [row(6, { successor: { ...next(60), heldBecause: "bad" } })],
    expected: ["set peer K6 allowed-ips 10.10.0.6/32"],
  },
  {
    name: "many successors at once: without allowed IPs in the file, too",
    rows: [row(6, { successor: next(60) }), row(7, { successor: next(70) })],
    observed: [seen(6), seen(7)],
    expected: [
      "addconf [Peer] PublicKey = K60 PresharedKey = PSK-B [Peer] PublicKey = K70 PresharedKey = PSK-B",
    ],
  },
  {
    name: "rotation of several with preshared keys: no moment without",
    rows: [
      row(6, { publicKey: key(60), presharedKey: pskA }),
      row(7, { publicKey: key(70), presharedKey: pskB }),
    ],
    retired: [6, 7],
    observed: [seen(6), seen(7)],
    expected: [
      "addconf [Peer] PublicKey = K60 PresharedKey = PSK-A AllowedIPs = 10.10.0.6/32 " +
      "[Peer] PublicKey = K70 PresharedKey = PSK-B AllowedIPs = 10.10.0.7/32",
      "set peer K6 remove peer K7 remove",
    ],
  },
  {
    name: "removals come before additions",
    rows: [row(6), row(7, { active: false })],
    observed: [seen(7)],
    expected: ["set peer K7 remove", "set peer K6 allowed-ips 10.10.0.6/32"],
  },
  {
    name: "T2: a peer added by hand goes, and what it stole is given back first",
    rows: [row(6)],
    foreign: [9],
    observed: [seen(6, { allowedIps: [] }), seen(9, { allowedIps: ["10.10.0.6/32"] })],
    expected: ["set peer K6 allowed-ips 10.10.0.6/32 peer K9 remove"],
  },
  {
    name: "T7: a key that nothing explains is left alone",
    rows: [row(6)],
    observed: [seen(6), seen(9)],
    expected: [],
  },
  {
    name: "T7: no rows, no removals",
    observed: [seen(6), seen(7)],
    expected: [],
  },
];

for (const { name, expected, ...input } of cases) {
  Deno.test(`plan: ${name}`, () => assert.deepEqual(render(planned(input)), expected));
}

Deno.test("plan: a thousand peers a call, so that arguments stay below the kernel's limits", () => {
  const observed = Array.from({ length: 2500 }, (_, n) => seen(n));
  const commands = planned({ foreign: observed.map((_, n) => n), observed });
  assert.deepEqual(
    commands.map((command) => command.kind === "set" && command.entries.length),
    [1000, 1000, 500],
  );
});

Deno.test("plan: what it planned, once applied, needs nothing more", () => {
  const rows = [row(6, { presharedKey: pskA }), row(7), row(8, { active: false })];
  const observed = [seen(6, { presharedKey: pskA }), seen(7)];
  assert.deepEqual(planned({ rows, observed }), []);
});

Deno.test("differences: names each one", () => {
  const observed = seen(6, { presharedKey: pskA, allowedIps: [], persistentKeepalive: 1 });
  assert.deepEqual(differences(row(6), new Map([[key(6), observed]]), now), [
    "allowed_ips",
    "preshared_key",
    "persistent_keepalive",
  ]);
  assert.deepEqual(differences(row(6), new Map(), now), ["missing"]);
  assert.deepEqual(differences(row(6, { active: false }), new Map([[key(6), observed]]), now), [
    "unwanted",
  ]);
});

Deno.test("removalsOnly: lets peers out and nobody in", () => {
  const [command] = planned({
    rows: [row(6, { publicKey: key(60) })],
    retired: [6],
    observed: [seen(6)],
  });
  assert.ok(command);
  const left = removalsOnly(command);
  assert.deepEqual(left && render([left]), ["set peer K6 remove"]);
  assert.equal(removalsOnly({ kind: "addconf", changes: [] }), null);
});
