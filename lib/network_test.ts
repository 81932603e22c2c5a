import assert from "node:assert/strict";
import fc from "fast-check";
import { testDatabase } from "../tests/support/database.ts";
import { seedInterface } from "../tests/support/seed.ts";
import { formatIPv4, formatIPv6 } from "./address.ts";
import { contains, destinationFault, isNetwork, overlaps } from "./network.ts";

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

Deno.test("contains, overlaps, destinationFault: agree with PostgreSQL, and with the constraints of wg_grants", async () => {
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
      assert.equal(overlaps(a, b), row?.overlaps, `${a} overlaps ${b}`);
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
