import assert from "node:assert/strict";
import fc from "fast-check";
import { addressPlan, formatIPv4, parseIPv4, parseNetwork } from "./address.ts";

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
