import assert from "node:assert/strict";
import { createPool } from "../../api/database/pool.ts";
import { createLookups } from "../../api/database/lookups.ts";
import { createTenancy } from "../../api/database/tenancy.ts";
import { addressPlan } from "../../lib/address.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";

const network6 = "fd6d:617a:7a61:1::/64";

const setNetwork6 = (db: TestDatabase, to: string | null) =>
  db.owner`update wg_interfaces set network6 = ${to} where id = 1`;

Deno.test("T5: wg_address6: database and daemon derive the same address, another for each peer", async () => {
  await using db = await testDatabase();
  for (const network of ["10.10.0.0/28", "10.10.0.0/24", "172.16.0.0/16"]) {
    const plan = addressPlan(network, network6);
    const rows = await db.owner<{ address: string; address6: string }[]>`
      select host(a) as address, host(wg_address6(a, ${network}, ${network6})) as address6
        from wg_pool_addresses(${network}::cidr) a`;
    for (const { address, address6 } of rows) assert.equal(plan.address6(address), address6);
    assert.equal(new Set(rows.map((row) => row.address6)).size, rows.length);
    assert.ok(rows.length > 5, network);
  }
  await seedInterface(db.owner);
  await setNetwork6(db, network6);
  const { six } = addressPlan("10.10.0.0/24", network6);
  assert(six);
  const [row] = await db.owner`
    select network6::text as network, host(gateway6) as gateway, host(api_address6) as api
      from wg_interfaces`;
  assert.deepEqual({ ...row, prefixLength: 64 }, six);
});

Deno.test("T5: wg_interfaces: an IPv6 network is a ULA /64 of one interface alone, and stays", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const refused = async (network: string, rule: string) =>
    await assert.rejects(setNetwork6(db, network), { constraint_name: rule }, network);
  for (const bad of ["fd00::/48", "fd00::/65", "fc00::/64", "2001:db8::/64", "fe80::/64"]) {
    await refused(bad, "wg_interfaces_network6_is_a_ula_64");
  }
  await assert.rejects(setNetwork6(db, "10.11.0.0/24"), { code: "22023" });
  await setNetwork6(db, network6);
  await refused("fd00:2::/64", "wg_interfaces_network6_stays");
  await setNetwork6(db, null);
  await setNetwork6(db, "fd00:2::/64");
  const { publicKey } = await generateKeyPair();
  await assert.rejects(
    db.owner`
      insert into wg_interfaces (id, name, network, network6, listen_port, endpoint, mtu, public_key)
      values (2, 'wg1', '10.11.0.0/24', 'fd00:2::/64', 51821, 'vpn.example.com:51821', 1420,
        ${publicKey})`,
    { constraint_name: "wg_interfaces_networks6_do_not_overlap" },
  );
});

Deno.test("wg_interfaces: when IPv6 comes or goes, nothing that was seen before counts as applied", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const { peerId } = await seedTenant(db.owner, "acme");
  const proven = async () => {
    const [row] = await db.owner<{ proven: boolean }[]>`
      select s.generation = p.generation as proven from wg_peer_status s
        join wg_peers p on p.id = s.peer_id where p.id = ${peerId}`;
    return row?.proven;
  };
  const prove = () =>
    db.owner`update wg_peer_status s set generation = p.generation from wg_peers p
      where p.id = s.peer_id`;
  assert.equal(await proven(), true);
  for (const to of [network6, null]) {
    await setNetwork6(db, to);
    assert.equal(await proven(), false);
    await prove();
    await setNetwork6(db, to);
    assert.equal(await proven(), true, "the same again changes nothing");
  }
});

Deno.test("T10: lookup_peer: finds a peer by either address, and nobody by any other", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const { id, peerId, address } = await seedTenant(db.owner, "acme");
  const pool = createPool(db.url("massacorp_api"), {
    applicationName: "ipv6-test",
    size: 2,
    overflow: 0,
    timeoutMs: 5_000,
    recycleSeconds: 60,
  });
  await using _pool = { [Symbol.asyncDispose]: () => pool.end() };
  const { peer } = createLookups(pool, createTenancy(pool));
  const address6 = addressPlan("10.10.0.0/24", network6).address6(address) ?? "";
  assert.equal(await peer(address6), undefined, "no IPv6 yet");
  await setNetwork6(db, network6);
  for (
    const source of [address, address6, address6.toUpperCase(), address6.replace("::", ":0:0:0:")]
  ) {
    const found = await peer(source);
    assert.deepEqual([found?.tenantId, found?.peerId], [id, peerId], source);
  }
  const prefix = network6.replace("::/64", "");
  for (
    const source of [
      `${prefix}::1`,
      `${prefix}::7`,
      `${prefix}::106`,
      `${prefix}:0:0:1:6`,
      `${prefix}:ffff:ffff:ffff:ffff`,
      "fd6d:617a:7a61:2::6",
      "fe80::6",
      "::ffff:10.10.0.6",
    ]
  ) assert.equal(await peer(source), undefined, source);
  await db.owner`update wg_peers set enabled = false where id = ${peerId}`;
  assert.equal(await peer(address6), undefined, "a disabled one is no live peer");
});
