import assert from "node:assert/strict";
import fc from "fast-check";
import "../tests/support/fixed_seed.ts";
import {
  addressPlan,
  formatIPv4,
  formatIPv6,
  parseIPv4,
  parseIPv6,
  parseNetwork,
} from "./address.ts";

Deno.test("parseIPv4: takes dotted quads and nothing that reads as one elsewhere", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
    assert.equal(parseIPv4(formatIPv4(value)), value);
  }));
  for (
    const text of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "1.2.3.256",
      "0x1.2.3.4",
      " 1.2.3.4",
      "1.2.3.4\n",
      "::1",
    ]
  ) {
    assert.equal(parseIPv4(text), undefined, JSON.stringify(text));
  }
});

Deno.test("parseNetwork: refuses host bits, odd prefixes and other text", () => {
  assert.deepEqual(parseNetwork("10.10.0.0/24"), { base: 0x0a0a0000, prefixLength: 24 });
  assert.deepEqual(parseNetwork("0.0.0.0/0"), { base: 0, prefixLength: 0 });
  for (
    const text of [
      "10.10.0.1/24",
      "10.10.0.0",
      "10.10.0.0/33",
      "10.10.0.0/024",
      "10.10.0.0/24/1",
      "fd00::/8",
    ]
  ) {
    assert.equal(parseNetwork(text), undefined, text);
  }
});

Deno.test("addressPlan: gateway, API and the reserved addresses are no peer's, in every size", () => {
  for (
    const [network, reserved, last] of [
      ["10.10.0.0/24", "10.10.0.254", "10.10.0.253"],
      ["10.10.0.0/28", "10.10.0.14", "10.10.0.13"],
      ["10.10.0.0/22", "10.10.0.254", "10.10.3.254"],
    ] as const
  ) {
    const plan = addressPlan(network);
    assert.equal(plan.gateway, "10.10.0.1");
    assert.equal(plan.api, "10.10.0.2");
    for (const host of [0, 1, 2, 3, 4, 5]) {
      assert(!plan.isPeerAddress(`10.10.0.${host}`), `.${host}`);
    }
    assert(plan.isPeerAddress("10.10.0.6"));
    assert(!plan.isPeerAddress(reserved), reserved);
    assert(plan.isPeerAddress(last), last);
    for (const outside of ["10.9.255.255", "10.10.4.0", "192.0.2.1", "x", "10.10.0.6/32"]) {
      assert(!plan.isPeerAddress(outside), outside);
    }
  }
  assert(
    addressPlan("10.10.0.0/22").isPeerAddress("10.10.0.255"),
    "no broadcast in a larger network",
  );
  for (const bad of ["10.10.0.0/11", "10.10.0.0/29", "10.10.0.5/24", "x"]) {
    assert.throws(() => addressPlan(bad), { name: "AddressError" });
  }
});

Deno.test("parseIPv6: reads every form of an address, and writes the one of RFC 5952", () => {
  for (
    const [text, canonical] of [
      ["::", "::"],
      ["::1", "::1"],
      ["fd00::", "fd00::"],
      ["FD00:0:0:0:0:0:0:6", "fd00::6"],
      ["2001:0db8::0001", "2001:db8::1"],
      ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
      ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
      ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4"],
    ] as const
  ) {
    const value = parseIPv6(text);
    assert(value !== undefined, text);
    assert.equal(formatIPv6(value), canonical);
  }
  fc.assert(fc.property(fc.ipV6(), (text) => {
    const value = parseIPv6(text);
    // With an IPv4 tail the generator writes a form that no tunnel address has.
    if (text.includes(".")) return assert.equal(value, undefined);
    assert(value !== undefined, text);
    // The URL standard writes IPv6 hosts in the same form.
    assert.equal(`[${formatIPv6(value)}]`, new URL(`http://[${text}]`).hostname);
  }));
  for (
    const text of [
      ...["", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9"],
      ...["12345::", "g::", "fe80::1%eth0", " ::1", "::1\n", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:"],
    ]
  ) {
    assert.equal(parseIPv6(text), undefined, JSON.stringify(text));
  }
});

Deno.test("addressPlan: IPv6 addresses go with the IPv4 ones, and stay when the network grows", () => {
  const plan = addressPlan("10.10.0.0/24", "FD00:1:0:0::/64");
  assert.deepEqual(plan.six, {
    network: "fd00:1::/64",
    prefixLength: 64,
    gateway: "fd00:1::1",
    api: "fd00:1::2",
  });
  assert.equal(plan.address6("10.10.0.253"), "fd00:1::fd");
  assert.equal(addressPlan("10.10.0.0/16", "fd00:1::/64").address6("10.10.0.253"), "fd00:1::fd");
  assert.equal(
    addressPlan("10.0.0.0/12", "fd00:1::/64").address6("10.15.255.253"),
    "fd00:1::f:fffd",
  );
  for (const outside of ["10.9.255.255", "10.10.1.0", "x"]) {
    assert.equal(plan.address6(outside), null, outside);
  }
  assert.equal(addressPlan("10.10.0.0/24").six, null);
  assert.equal(addressPlan("10.10.0.0/24").address6("10.10.0.6"), null);
  for (
    const bad of [
      "fd00::/63",
      "fd00::1/64",
      "fd00::",
      "fc00::/64",
      "fe80::/64",
      "2001:db8::/64",
      "x",
    ]
  ) {
    assert.throws(() => addressPlan("10.10.0.0/24", bad), { name: "AddressError" }, bad);
  }
});
