import assert from "node:assert/strict";
import { isWithin, type Network, overlap, parseAnyNetwork, plainAddress } from "./networks.ts";

Deno.test("plainAddress: one text an address, and none for what is more or less than one", () => {
  const vectors: [string, string | undefined][] = [
    ["10.10.0.6", "10.10.0.6"],
    ["::ffff:10.10.0.6", "10.10.0.6"],
    ["::FFFF:0a0a:0006", "10.10.0.6"],
    ["0:0:0:0:0:ffff:a0a:6", "10.10.0.6"],
    ["FD00:0:0::1", "fd00::1"],
    ["::1", "::1"],
    ...[
      ...["", " ", "10.10.0", "10.10.0.256", "010.10.0.6", "10.10.0.6:8000", "10.10.0.6/32"],
      ...["[::1]", "[::1]:80", "fe80::1%wg0", "::ffff:10.10.0.256", "::fffe:10.10.0.6"],
      ...[
        "localhost",
        "unknown",
        "_hidden",
        "10.10.0.6 ",
        "\t10.10.0.6",
        "10.10.0.6\n",
        "0x0a0a0006",
      ],
      ...["168427526", "10.10.0.६"],
    ].map((text): [string, undefined] => [text, undefined]),
  ];
  for (const [text, expected] of vectors) assert.equal(plainAddress(text), expected, text);
});

Deno.test("parseAnyNetwork: addresses and networks of both families, without host bits", () => {
  const good = ["127.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "::1", "10.10.0.6/32", "::/0"];
  for (const text of good) assert(parseAnyNetwork(text), text);
  const bad = [
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "fd00::1/64",
  ];
  for (const text of [...bad, "fd00::/129", "10.0.0.0/-1", "/8", "x"]) {
    assert.equal(parseAnyNetwork(text), undefined, text);
  }
});

Deno.test("overlap, isWithin: by the shorter prefix, and never across families", () => {
  const network = (text: string): Network => parseAnyNetwork(text) ?? assert.fail(text);
  const cases: [string, string, boolean][] = [
    ["10.10.0.0/24", "10.0.0.0/8", true],
    ["10.10.0.0/24", "10.10.0.255", true],
    ["10.10.0.0/24", "10.10.1.0/24", false],
    ["0.0.0.0/0", "192.0.2.1", true],
    ["::/0", "192.0.2.1", false],
    ["fd00::/64", "fd00::6", true],
    ["fd00::/64", "fd00:0:0:1::6", false],
  ];
  for (const [a, b, expected] of cases) {
    assert.equal(overlap(network(a), network(b)), expected, `${a} ${b}`);
    assert.equal(overlap(network(b), network(a)), expected, `${b} ${a}`);
  }
  assert.equal(isWithin([network("127.0.0.1")], "::ffff:127.0.0.1"), true);
  assert.equal(
    isWithin([network("127.0.0.0/8")], "127.0.0.0/8"),
    false,
    "no network is an address",
  );
  assert.equal(isWithin([], "127.0.0.1"), false);
});
