import assert from "node:assert/strict";
import fc from "fast-check";
import "../tests/support/fixed_seed.ts";
import { testDatabase } from "../tests/support/database.ts";
import { seedInterface } from "../tests/support/seed.ts";
import { formatIPv4, formatIPv6 } from "./address.ts";
import {
  contains,
  destinationFault,
  isNetwork,
  isWithin,
  type Network,
  overlap,
  parseAnyNetwork,
  plainAddress,
} from "./network.ts";

const interesting4 = [0, 10, 100, 127, 169, 192, 198, 224, 255].map((first) => first * 2 ** 24);
const network4 = fc.tuple(
  fc.oneof(
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.constantFrom(...interesting4, 0xa9fea9fe, 0x646464c8, 0xc00000c0, 0x0a0a0007),
  ),
  fc.integer({ min: 0, max: 32 }),
).map(([address, prefix]) => {
  const size = 2 ** (32 - prefix);
  return `${formatIPv4(address - address % size)}/${prefix}`;
});
const network6 = fc.tuple(
  fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
    fc.constantFrom(1n, 0xfe80n << 112n, 0xff02n << 112n, 0xfd000ec2n << 96n, 0x2001n << 112n),
  ),
  fc.integer({ min: 0, max: 128 }),
).map(([address, prefix]) => {
  const rest = 128n - BigInt(prefix);
  return `${formatIPv6(address >> rest << rest)}/${prefix}`;
});

const network = (text: string): Network => parseAnyNetwork(text) ?? assert.fail(text);
/** The first and the last address. */
const range = ({ bits, value, prefixLength }: Network): [bigint, bigint] => [
  value,
  value + (1n << BigInt(bits - prefixLength)) - 1n,
];

Deno.test("overlap, contains, isWithin: as the ranges of their addresses say, whichever way IPv4 is written", () => {
  const mapped = network4.map((text) => {
    const [address = "", prefix] = text.split("/");
    return `::ffff:${address}/${Number(prefix) + 96}`;
  });
  const any = fc.oneof(network4, network6, mapped);
  fc.assert(
    fc.property(any, any, (a, b) => {
      const [one, other] = [network(a), network(b)];
      const [[from, to], [first, last]] = [range(one), range(other)];
      const isSame = one.bits === other.bits;
      assert.equal(overlap(one, other), isSame && from <= last && first <= to);
      assert.equal(contains(a, b), isSame && from <= first && last <= to);
      for (const value of [first, last]) {
        const text = other.bits === 32 ? formatIPv4(Number(value)) : formatIPv6(value);
        // At the edge of a wide IPv6 network is an IPv4-mapped address, which is one of IPv4.
        const edge = network(text);
        const isOfOne = edge.bits === one.bits && from <= edge.value && edge.value <= to;
        assert.equal(isWithin([one], text), isOfOne);
        if (edge.bits === other.bits) assert.equal(plainAddress(text), text);
      }
    }),
    { numRuns: 2_000, examples: [["0.0.0.0/0", "::/80"]] },
  );
  fc.assert(
    fc.property(network4, (text) => {
      const [address = "", prefix = ""] = text.split("/");
      const other = `::ffff:${address}/${Number(prefix) + 96}`;
      assert.deepEqual(network(other), network(text));
      assert.equal(plainAddress(`::ffff:${address}`), address);
      assert.equal(isNetwork(other), false, "it is IPv4, and is written so");
      assert.notEqual(destinationFault(other, []), null);
    }),
  );
  assert.equal(parseAnyNetwork("::ffff:10.0.0.0/8"), undefined, "it has bits beyond its prefix");
  assert.equal(network("::/0").bits, 128);
});

Deno.test("contains, overlap, destinationFault: agree with PostgreSQL, and with the constraints of wg_grants", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const [tenant] = await db.owner<{ id: number }[]>`
    insert into tenants (slug, name) values ('a', 'a') returning id`;
  await fc.assert(
    fc.asyncProperty(fc.oneof(network4, network6), fc.oneof(network4, network6), async (a, b) => {
      assert.ok(isNetwork(a), a);
      const [row] = await db.owner`
        select ${a}::text::cidr >>= ${b}::text::cidr as contains, ${a}::text::cidr && ${b}::text::cidr as overlaps`;
      assert.equal(contains(a, b), row?.contains, `${a} contains ${b}`);
      assert.equal(overlap(network(a), network(b)), row?.overlaps, `${a} overlaps ${b}`);
      const isTaken = await db.owner`
        insert into wg_grants (tenant_id, id, name, network, protocol)
        values (${tenant?.id ?? 0}, gen_random_uuid(), ${crypto.randomUUID()}, ${a}, 'any')`
        .then(() => true, (error) => {
          assert.equal(error.code, "23514", a);
          return false;
        });
      assert.equal(destinationFault(a, ["10.10.0.0/24"]) === null, isTaken, a);
    }),
    { numRuns: 400 },
  );
});

Deno.test("isNetwork: takes networks in CIDR form and nothing that others would read otherwise", () => {
  for (
    const good of ["10.0.0.0/8", "192.0.2.7/32", "0.0.0.0/0", "fd00::/8", "::/0", "2001:db8::1/128"]
  ) {
    assert.ok(isNetwork(good), good);
  }
  for (
    const bad of [
      ...[
        "",
        "10.0.0.0",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "010.0.0.0/8",
        "10.0.0.0/8/8",
      ],
      ...[
        "fd00::1/64",
        "fd00::/129",
        "fd00::/064",
        "fe80::%eth0/64",
        "::ffff:10.0.0.0/104",
        "fd00::",
      ],
      ...["10.0.0.0/8 ", "10.0.0.0/-1", "a/8"],
    ]
  ) assert.equal(isNetwork(bad), false, JSON.stringify(bad));
});

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
