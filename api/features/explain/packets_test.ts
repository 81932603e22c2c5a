import assert from "node:assert/strict";
import { type Openings, packetVerdicts } from "./packets.ts";

Deno.test("packetVerdicts: T9: a peer off the interface sends nothing, one on it reaches the API and echo alone", () => {
  const tunnel = { addresses: ["10.10.0.1", "10.10.0.2"], apiPort: 8000, openings: null };
  const verdicts = (isThere: boolean | null) =>
    packetVerdicts({ isThere, address: "10.10.0.7", kind: "permanent" }, tunnel)
      .map(({ traffic, verdict }) => [verdict, traffic]);
  assert.deepEqual(verdicts(false), [["drop", "anything"]]);
  assert.deepEqual(verdicts(null), [["unknown", "anything"]]);
  assert.deepEqual(verdicts(true), [
    ["drop", "from another source address than 10.10.0.7"],
    ["accept", "TCP to port 8000 of 10.10.0.1 and 10.10.0.2"],
    ["accept", "ICMP echo to 10.10.0.1 and 10.10.0.2"],
    ["drop", "anything else: other peers, the host, other networks"],
  ]);
});

Deno.test("packetVerdicts: T9: what the tenant opened is accepted once the daemon says so, and never for enrolment", () => {
  const openings: Openings = {
    peerToPeer: true,
    services: [
      { peer: "printer", near: true, protocol: "tcp", from: 631, to: 631 },
      { peer: "server", near: false, protocol: "tcp", from: 443, to: 443 },
    ],
    routes: [
      { network: "10.0.0.0/8", protocol: "tcp", from: 8000, to: 8080 },
      { network: "192.168.7.0/24", protocol: "any", from: null, to: null },
      { network: "192.168.8.0/24", protocol: "icmp", from: null, to: null },
    ],
    state: "applied",
    error: null,
  };
  const ask = (change: Partial<Openings>, kind: "permanent" | "enrolment" = "permanent") =>
    packetVerdicts({ isThere: true, address: "10.10.0.7", kind }, {
      addresses: ["10.10.0.1"],
      apiPort: 8000,
      openings: { ...openings, ...change },
    }).slice(3, -1);
  assert.deepEqual(ask({}).map(({ verdict, traffic }) => [verdict, traffic]), [
    ["accept", "anything to other peers of the tenant on this gateway"],
    ["accept", "TCP to port 631 of the peer printer"],
    ["accept", "TCP to ports 8000 to 8080 in 10.0.0.0/8"],
    ["accept", "anything to 192.168.7.0/24"],
    ["accept", "ICMP to 192.168.8.0/24"],
    ["drop", "TCP to port 443 of the peer server"],
  ]);
  const rejected = ask({ state: "rejected", error: "no forwarding" });
  assert.deepEqual(new Set(rejected.map(({ verdict }) => verdict)), new Set(["drop"]));
  assert.match(rejected[0]?.why ?? "", /no forwarding/);
  assert.equal(ask({ state: null })[0]?.verdict, "unknown");
  assert.deepEqual(ask({}, "enrolment"), []);
});
