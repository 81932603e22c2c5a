import assert from "node:assert/strict";
import fc from "fast-check";
import "../../tests/support/fixed_seed.ts";
import { holds, parseListing } from "./nft_listing.ts";
import {
  expectedElements,
  type Opening,
  type Openings,
  renderChanges,
  renderOpenings,
  tenantRules,
} from "./nft_openings.ts";

const name = "wg0";
const table = "inet massacorp_wg0";
const opening = (more: Partial<Opening> = {}): Opening => ({
  members: new Set(["10.10.0.6", "fd00::6"]),
  peerToPeer: false,
  destinations: [],
  ...more,
});

Deno.test("T9: tenantRules: every acceptance asks where the flow leads, none whether it is established", () => {
  const rules = tenantRules(
    2,
    opening({
      peerToPeer: true,
      destinations: [
        { network: "10.10.0.7", protocol: "tcp", ports: [443, 443] },
        { network: "198.51.100.0/24", protocol: "udp", ports: [8000, 8100] },
        { network: "198.51.100.0/24", protocol: "icmp", ports: null },
        { network: "2001:db8::/64", protocol: "any", ports: null },
      ],
    }),
    name,
  );
  assert.deepEqual(rules, [
    'iifname "wg0" ip saddr != @members4_2 drop',
    "ct reply ip saddr @members4_2 goto opened4",
    "ct reply ip saddr 10.10.0.7 meta l4proto tcp ct reply proto-src 443 goto opened4",
    "ct reply ip saddr 198.51.100.0/24 meta l4proto udp ct reply proto-src 8000-8100 goto opened4",
    "ct reply ip saddr 198.51.100.0/24 meta l4proto icmp goto opened4",
    "ct reply ip saddr 10.10.0.7 meta l4proto icmp ct state related accept",
    "ct reply ip saddr 198.51.100.0/24 meta l4proto icmp ct state related accept",
    'iifname "wg0" ip6 saddr != @members6_2 drop',
    "ct reply ip6 saddr @members6_2 goto opened6",
    "ct reply ip6 saddr 2001:db8::/64 goto opened6",
    "ct reply ip6 saddr 2001:db8::/64 meta l4proto ipv6-icmp ct state related accept",
  ]);
});

Deno.test("T4: renderChanges: touches no more than what differs", () => {
  const before = new Map([[2, opening()], [3, opening({ members: new Set(["10.10.0.9"]) })]]);
  const change = (after: Openings) => renderChanges(table, { before, after, name });
  assert.equal(change(new Map(before)), "");
  const joined = new Map(before).set(3, opening({ members: new Set(["10.10.0.9", "10.10.0.10"]) }));
  assert.equal(
    change(joined),
    `add element ${table} tenants4 { 10.10.0.10 : jump tenant_3 }
add element ${table} members4_3 { 10.10.0.10 }
`,
  );
  const moved = new Map([
    [2, opening({ members: new Set(["10.10.0.6", "fd00::6", "10.10.0.9"]) })],
    [3, opening({ members: new Set(["10.10.0.11"]) })],
  ]);
  assert.deepEqual(change(moved).trimEnd().split("\n"), [
    `delete element ${table} tenants4 { 10.10.0.9 : jump tenant_3 }`,
    `delete element ${table} members4_3 { 10.10.0.9 }`,
    `add element ${table} tenants4 { 10.10.0.9 : jump tenant_2, 10.10.0.11 : jump tenant_3 }`,
    `add element ${table} members4_2 { 10.10.0.9 }`,
    `add element ${table} members4_3 { 10.10.0.11 }`,
  ]);
  const ruled = change(new Map(before).set(3, opening({ ...before.get(3), peerToPeer: true })));
  assert.ok(ruled.startsWith(`flush chain ${table} tenant_3\nadd rule `), ruled);
  assert.ok(!ruled.includes("tenant_2") && !ruled.includes("element"), ruled);
});

const addresses = fc.uniqueArray(fc.integer({ min: 6, max: 40 }), { maxLength: 12 }).map((hosts) =>
  hosts.flatMap((host) => [`10.10.0.${host}`, `fd00::${host}`])
);
/** Openings in which no address is with two tenants. */
const someOpenings = fc.array(addresses, { maxLength: 4 }).map((tenants): Openings => {
  const taken = new Set<string>();
  return new Map(tenants.map((members, at) => [
    at + 1,
    opening({
      members: new Set(members.filter((address) => !taken.has(address) && taken.add(address))),
    }),
  ]));
});

Deno.test("parseListing, holds: find exactly the members that were rendered, and any that is not", () => {
  fc.assert(fc.property(someOpenings, someOpenings, (openings, others) => {
    const text = `table ${table} {\n${renderOpenings(openings, { name, size: 256 })}}\n`;
    const listing = parseListing(text);
    assert.ok(holds(listing, expectedElements(openings)));
    const same = renderChanges(table, { before: openings, after: others, name }) === "";
    assert.equal(holds(listing, expectedElements(others)), same);
    assert.ok(!listing.structure.includes("10.10.0."), "the structure names no member");
  }));
});

Deno.test("parseListing: what the kernel puts into dynamic sets is nobody's drift", () => {
  const text = `table inet t {
	set flows4 {
		type ipv4_addr
		size 256
		flags dynamic,timeout
		elements = { 10.10.0.6 timeout 1m expires 30s ct count over 64,
			     10.10.0.7 limit rate over 50/second burst 100 packets }
	}

	set members4_2 {
		type ipv4_addr
		elements = { 10.10.0.6, 10.10.0.7,
			     10.10.0.8 }
	}

	chain input {
		type filter hook input priority -10; policy accept;
		ip daddr { 10.10.0.1, 10.10.0.2 } accept
	}
}
`;
  const listing = parseListing(text);
  assert.deepEqual([...listing.elements], [["members4_2", [
    "10.10.0.6",
    "10.10.0.7",
    "10.10.0.8",
  ]]]);
  assert.deepEqual([listing.sets, listing.maps, listing.chains], [["members4_2"], [], ["input"]]);
  assert.equal(
    parseListing(text.replace(/10\.10\.0\.6 timeout.*\n.*packets/, "10.10.0.9")).structure,
    listing.structure,
  );
  assert.notEqual(parseListing(text.replace("10.10.0.1,", "")).structure, listing.structure);
});
