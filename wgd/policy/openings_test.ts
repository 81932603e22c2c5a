import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import type { DesiredPeer } from "../desired.ts";
import type { ObservedPeer } from "../observed.ts";
import { type Circumstances, resolve } from "./openings.ts";
import type { TenantPolicy } from "./store.ts";

const now = Date.UTC(2030, 0, 1);
const key = (n: number) => `${String(n).padStart(42, "0")}A=`;

function row(n: number, more: Partial<DesiredPeer> = {}): DesiredPeer {
  return desiredPeer({
    id: `id-${n}`,
    publicKey: key(n),
    address: `10.10.0.${n}`,
    allowedIps: [`10.10.0.${n}/32`, `fd00::${n}/128`],
    permanent: true,
    ...more,
  });
}

function seen({ publicKey, allowedIps }: DesiredPeer): ObservedPeer {
  return {
    publicKey,
    allowedIps,
    presharedKey: null,
    endpoint: null,
    latestHandshake: 0,
    receivedBytes: 0,
    sentBytes: 0,
    persistentKeepalive: null,
  };
}

function circumstances(
  rows: DesiredPeer[],
  { observed = rows.map(seen), ...more }: Partial<Omit<Circumstances, "observed">> & {
    observed?: ObservedPeer[];
  } = {},
): Circumstances {
  return {
    peers: new Map(rows.map((peer) => [peer.id, peer])),
    observed: {
      publicKey: null,
      listenPort: 1,
      fwmark: null,
      peers: new Map(observed.map((peer) => [peer.publicKey, peer])),
      settings: {},
    },
    forwards: { ipv4: true, ipv6: true },
    tunnels: ["10.10.0.0/24", "fd00::/64"],
    now,
    ...more,
  };
}

const policy = (more: Partial<TenantPolicy> = {}): TenantPolicy => ({
  tenantId: 1,
  version: "1",
  peerToPeer: true,
  services: [],
  routes: [],
  recorded: null,
  ...more,
});
const route = (network: string, granted = true) => ({
  network,
  protocol: "any" as const,
  from: null,
  to: null,
  granted,
});

Deno.test("T9: resolve: members are the tenant's permanent peers that the interface has as their rows want", () => {
  const rows = [
    row(6),
    row(7, { permanent: false }),
    row(8, { active: false }),
    row(9, { expiresAt: now }),
    row(10, { expiresAt: now + 1 }),
    row(11, { heldBecause: "why" }),
    row(12, { tenantId: 2 }),
    row(13),
    row(14),
  ];
  const { permanent: _, ...unknown } = row(15);
  const all = [...rows, unknown];
  const observed = all.map(seen).filter(({ publicKey }) => publicKey !== key(13)).map((peer) =>
    peer.publicKey === key(14) ? { ...peer, allowedIps: ["10.10.0.14/32", "10.10.0.99/32"] } : peer
  );
  const { openings, until } = resolve([policy()], circumstances(all, { observed }));
  assert.deepEqual([...openings.keys()], [1]);
  assert.deepEqual([...openings.get(1)?.members ?? []], [
    "10.10.0.6",
    "fd00::6",
    "10.10.0.10",
    "fd00::10",
  ]);
  assert.equal(until, now + 1, "by then, the one that expires has to go");
});

Deno.test("T9: resolve: a service is there as long as its peer is, at both of its addresses", () => {
  const services = [6, 8, 12].map((n) => ({
    peerId: `id-${n}`,
    protocol: "tcp" as const,
    from: 443,
    to: 443,
  }));
  const rows = [row(6), row(8, { active: false }), row(12, { tenantId: 2 })];
  const { openings } = resolve([policy({ peerToPeer: false, services })], circumstances(rows));
  assert.deepEqual(openings.get(1)?.destinations, [
    { network: "10.10.0.6", protocol: "tcp", ports: [443, 443] },
    { network: "fd00::6", protocol: "tcp", ports: [443, 443] },
  ]);
});

Deno.test("T9: resolve: rejects as a whole what the rows must not lead to, and what the host would not forward", () => {
  const cases: [TenantPolicy["routes"], Partial<Circumstances>, RegExp | undefined][] = [
    [[route("198.51.100.0/24")], {}, undefined],
    [[route("198.51.100.0/24"), route("203.0.113.0/24", false)], {}, /not within its grant/],
    [[route("10.10.0.0/25")], {}, /overlaps a tunnel/],
    [[route("fd00::/32")], {}, /overlaps a tunnel/],
    [[route("169.254.169.254/32")], {}, /link-local/],
    [[route("8.0.0.0/7")], {}, /wider than/],
    [[], { forwards: { ipv4: false, ipv6: true } }, /net\.ipv4\.ip_forward=1/],
    [[], { forwards: { ipv4: true, ipv6: false } }, undefined],
    [
      [route("2001:db8::/64")],
      { forwards: { ipv4: true, ipv6: false } },
      /ipv6.conf.all.forwarding=1/,
    ],
  ];
  for (const [routes, more, fault] of cases) {
    const { observed: _, ...rest } = more;
    const other = policy({ tenantId: 2 });
    const given = circumstances([row(6), row(12, { tenantId: 2 })], rest);
    const { openings, rejected } = resolve([policy({ routes }), other], given);
    if (fault) {
      assert.match(rejected.get(1) ?? "", fault);
      assert.equal(openings.has(1), false, "nothing of it is in force");
      if (given.forwards.ipv4) assert.ok(openings.has(2), "and nobody else suffers");
    } else {
      assert.deepEqual([...rejected], []);
      assert.equal(openings.get(1)?.destinations.length, routes.length);
    }
  }
});

Deno.test("resolve: a policy that opens nothing needs no forwarding, and stands nowhere", () => {
  const given = circumstances([row(6)], { forwards: { ipv4: false, ipv6: false } });
  const { openings, rejected } = resolve([policy({ peerToPeer: false })], given);
  assert.deepEqual([openings.size, rejected.size], [0, 0]);
});

Deno.test("T9: resolve: a successor that waits, or is on its way, changes nothing about its peer", () => {
  const successor = {
    publicKey: key(60),
    presharedKey: null,
    deadline: now + 1,
    heldBecause: null,
  };
  const peer = row(6, { successor });
  const waiting = { ...seen(peer), publicKey: key(60), allowedIps: [] };
  const members = (...observed: ObservedPeer[]) => [
    ...resolve([policy()], circumstances([peer], { observed })).openings.get(1)?.members ?? [],
  ];
  assert.deepEqual(members(seen(peer), waiting), ["10.10.0.6", "fd00::6"]);
  assert.deepEqual(members(seen(peer)), ["10.10.0.6", "fd00::6"]);
  const early = { ...waiting, allowedIps: peer.allowedIps };
  assert.deepEqual(members({ ...seen(peer), allowedIps: [] }, early), [], "it has not taken over");
});
