import assert from "node:assert/strict";
import { createPool } from "../../api/database/pool.ts";
import {
  asTenantId,
  createTenancy,
  type Tenancy,
  type TenantId,
  type TenantSql,
} from "../../api/database/tenancy.ts";
import { insertPeer, insertPeers } from "../../api/features/peers/store.ts";
import { addressPlan, formatIPv4, parseNetwork } from "../../lib/address.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { newPeer } from "../support/new_peer.ts";
import { seedInterface } from "../support/seed.ts";
import { until } from "../support/until.ts";

interface World extends AsyncDisposable {
  db: TestDatabase;
  tenancy: Tenancy;
  tenant: TenantId;
  create(sql: TenantSql): Promise<string | undefined>;
  /** One create in a transaction of its own. */
  add(): Promise<string | undefined>;
}

/** @param free how many of the network's addresses are left to give out */
async function world(network: string, free?: number): Promise<World> {
  const db = await testDatabase();
  await seedInterface(db.owner, network);
  if (free !== undefined) {
    await db.owner`
      update wg_ip_pool set free_from = 'infinity' where (interface_id, address) not in (
        select interface_id, address from wg_ip_pool order by address limit ${free})`;
  }
  const [row] = await db.owner<{ id: number }[]>`
    insert into tenants (slug, name) values ('alpha', 'Alpha') returning id`;
  const tenant = asTenantId(row?.id ?? 0);
  const pool = createPool(db.url("massacorp_api"), {
    applicationName: "address-test",
    size: 12,
    overflow: 0,
    // Two hundred at once on a busy machine wait their turn.
    timeoutMs: 120_000,
    recycleSeconds: 3600,
  });
  const tenancy = createTenancy(pool);
  const create = async (sql: TenantSql) =>
    await insertPeer(
      sql,
      newPeer({ tenantId: tenant, publicKey: (await generateKeyPair()).publicKey }),
    );
  return {
    db,
    tenancy,
    tenant,
    create,
    add: () => tenancy.transaction(tenant, create),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await db[Symbol.asyncDispose]();
    },
  };
}

async function held(db: TestDatabase): Promise<string[]> {
  const rows = await db.owner<{ address: string }[]>`
    select host(address) as address from wg_peers order by wg_peers.address`;
  return rows.map((row) => row.address);
}

Deno.test("T5: the address plan of the code and the pool of the database are the same", async (t) => {
  await using db = await testDatabase();
  for (
    const network of [
      "10.10.0.0/28",
      "10.10.0.0/25",
      "10.10.0.0/24",
      "10.20.0.0/23",
      "172.16.0.0/16",
    ]
  ) {
    await t.step(network, async () => {
      const rows = await db.owner<{ address: string }[]>`
        select host(a) as address from wg_pool_addresses(${network}::cidr) a order by a`;
      const plan = addressPlan(network);
      const { base, prefixLength } = parseNetwork(network) ?? { base: 0, prefixLength: 32 };
      const planned: string[] = [];
      for (let value = base; value < base + 2 ** (32 - prefixLength); value++) {
        const address = formatIPv4(value);
        if (plan.isPeerAddress(address)) planned.push(address);
      }
      assert.ok(planned.length > 0);
      assert.deepEqual(rows.map((row) => row.address), planned);
      const [special] = await db.owner<{ gateway: string; api: string }[]>`
        select host(set_masklen(${network}::cidr::inet, 32) + 1) as gateway,
          host(set_masklen(${network}::cidr::inet, 32) + 2) as api`;
      assert.deepEqual([special?.gateway, special?.api], [plan.gateway, plan.api]);
    });
  }
  await t.step("172.16.0.0/12, the widest, by number and ends", async () => {
    const [found] = await db.owner`
      select count(*)::int as size, host(min(a)) as first, host(max(a)) as last,
        bool_or(a = '172.16.0.254') as reserved
      from wg_pool_addresses('172.16.0.0/12'::cidr) a`;
    const plan = addressPlan("172.16.0.0/12");
    const expected = { size: 2 ** 20 - 8, first: "172.16.0.6", last: "172.31.255.254" };
    assert.deepEqual({ ...found }, { ...expected, reserved: false });
    for (const address of [expected.first, expected.last, "172.16.0.255", "172.24.0.0"]) {
      assert.ok(plan.isPeerAddress(address), address);
    }
    for (const address of ["172.16.0.5", "172.16.0.254", "172.31.255.255", "172.32.0.0"]) {
      assert.equal(plan.isPeerAddress(address), false, address);
    }
  });
});

Deno.test("T5: two peers never hold one address, whoever writes them", async () => {
  await using given = await world("10.10.0.0/24");
  const address = await given.add();
  const { publicKey } = await generateKeyPair();
  const insert = (address: string) =>
    given.db.owner`
      insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
      values (${given.tenant}, gen_random_uuid(), 1, 'second', ${publicKey}, ${address})`;
  await assert.rejects(insert(address ?? ""), {
    code: "23505",
    constraint_name: "wg_peers_address_is_held_once",
  });
  for (
    const outside of [
      "10.10.0.1",
      "10.10.0.2",
      "10.10.0.254",
      "10.10.0.255",
      "10.11.0.9",
      "10.10.0.9/30",
    ]
  ) {
    await assert.rejects(insert(outside), {
      code: "23503",
      constraint_name: "wg_peers_address_is_in_the_pool",
    }, outside);
  }
});

Deno.test("T5: of 200 creates at once on 100 addresses exactly 100 get one each, and 100 get none", async () => {
  await using given = await world("10.10.0.0/24", 100);
  const results = await Promise.all(Array.from({ length: 200 }, given.add));
  const got = results.filter((address) => address !== undefined);
  assert.equal(got.length, 100);
  assert.equal(new Set(got).size, 100);
  const expected = Array.from({ length: 100 }, (_, index) => `10.10.0.${6 + index}`);
  assert.deepEqual(await held(given.db), expected);
});

Deno.test("T5: with every third create rolled back, every address still finds a peer", async () => {
  await using given = await world("10.10.0.0/24", 40);
  const results = await Promise.allSettled(
    Array.from(
      { length: 90 },
      (_, index) =>
        given.tenancy.transaction(given.tenant, async (sql) => {
          const address = await given.create(sql);
          if (index % 3 === 0) throw new Error("changed its mind");
          return address;
        }),
    ),
  );
  const got = results.flatMap((result) => result.status === "fulfilled" && result.value || []);
  assert.equal(got.length, 40);
  assert.equal(new Set(got).size, 40);
});

Deno.test("T5: who finds every address in the hands of others waits, and gets what one of them gives back", async () => {
  await using given = await world("10.10.0.0/24", 1);
  const taken = Promise.withResolvers<void>();
  const decision = Promise.withResolvers<void>();
  const first = given.tenancy.transaction(given.tenant, async (sql) => {
    await given.create(sql);
    taken.resolve();
    await decision.promise;
    throw new Error("changed its mind");
  });
  first.catch(() => {});
  await taken.promise;
  const second = given.add();
  await until("the second one waits", async () => {
    const rows = await given.db.superuser`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return rows.length > 0;
  });
  decision.resolve();
  await assert.rejects(first, /changed its mind/);
  assert.equal(await second, "10.10.0.6");
  assert.equal(await given.add(), undefined);
});

Deno.test("T5: many who are created at once wait for others' addresses only where no others are left, and then get what is given back", async () => {
  await using given = await world("10.10.0.0/24", 10);
  const many = async (sql: TenantSql, count: number) => {
    const keys = await Promise.all(Array.from({ length: count }, generateKeyPair));
    return await insertPeers(
      sql,
      keys.map(({ publicKey }) => newPeer({ tenantId: given.tenant, publicKey })),
    );
  };
  const taken = Promise.withResolvers<void>();
  const decision = Promise.withResolvers<void>();
  const first = given.tenancy.transaction(given.tenant, async (sql) => {
    assert.equal(await many(sql, 4), true);
    taken.resolve();
    await decision.promise;
    throw new Error("changed its mind");
  });
  first.catch(() => {});
  await taken.promise;
  const add = (count: number) => given.tenancy.transaction(given.tenant, (sql) => many(sql, count));
  assert.equal(await add(3), true);
  assert.deepEqual(await held(given.db), ["10.10.0.10", "10.10.0.11", "10.10.0.12"]);
  const [second, third] = [add(4), add(4)];
  await until("both of them wait, and neither for the other", async () => {
    const rows = await given.db.superuser`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return rows.length === 2;
  });
  assert.equal(await given.add(), "10.10.0.13", "what they do not get is nobody's");
  decision.resolve();
  await assert.rejects(first, /changed its mind/);
  assert.deepEqual((await Promise.all([second, third])).sort(), [false, true]);
  assert.equal((await held(given.db)).length, 8);
});

Deno.test("T5: the lowest free address comes first, and a rolled-back create gives its own back", async () => {
  await using given = await world("10.10.0.0/24");
  assert.equal(await given.add(), "10.10.0.6");
  await assert.rejects(given.tenancy.transaction(given.tenant, async (sql) => {
    assert.equal(await given.create(sql), "10.10.0.7");
    throw new Error("changed its mind");
  }));
  assert.equal(await given.add(), "10.10.0.7");
});

Deno.test("T5: a tombstone keeps its address; a released one rests before it is given out again", async () => {
  await using given = await world("10.10.0.0/24", 2);
  const { db } = given;
  assert.equal(await given.add(), "10.10.0.6");
  await db.owner`update wg_peers set deleted_at = now()`;
  assert.equal(await given.add(), "10.10.0.7");
  assert.equal(await given.add(), undefined);

  await db.owner`delete from wg_peers where deleted_at is not null`;
  const [rest] = await db.owner<{ exact: boolean }[]>`
    select free_from between now() + interval '59 minutes' and now() + interval '60 minutes' as exact
    from wg_ip_pool where host(address) = '10.10.0.6'`;
  assert.equal(rest?.exact, true);
  assert.equal(await given.add(), undefined);
  await db.owner`update wg_ip_pool set free_from = now() where host(address) = '10.10.0.6'`;
  assert.equal(await given.add(), "10.10.0.6");
});

Deno.test("T5: a network grows upward only, and its new addresses join the pool", async () => {
  await using given = await world("10.10.0.0/28");
  const { db } = given;
  const addresses = async () =>
    (await db.owner<{ address: string }[]>`
      select host(address) as address from wg_ip_pool p order by p.address`).map((row) =>
      row.address
    );
  const grow = (network: string) =>
    db.owner`update wg_interfaces set network = ${network} where id = 1`;
  assert.equal(await given.add(), "10.10.0.6");
  for (const network of ["10.10.0.0/27", "10.10.0.0/24", "10.10.0.0/23"]) {
    await grow(network);
    const rows = await db.owner<{ address: string }[]>`
      select host(a) as address from wg_pool_addresses(${network}::cidr) a order by a`;
    assert.deepEqual(await addresses(), rows.map((row) => row.address), network);
  }
  for (const network of ["10.10.0.0/24", "10.10.2.0/23", "10.12.0.0/22"]) {
    await assert.rejects(
      grow(network),
      { constraint_name: "wg_interfaces_network_only_grows" },
      network,
    );
  }
  // What a peer holds stays held through the growth.
  assert.deepEqual(await held(db), ["10.10.0.6"]);
  assert.equal(await given.add(), "10.10.0.7");
});

Deno.test("T5: networks of two interfaces never overlap", async () => {
  await using given = await world("10.10.0.0/24");
  const { publicKey } = await generateKeyPair();
  for (const network of ["10.10.0.0/24", "10.10.0.128/25", "10.0.0.0/12"]) {
    const second = given.db.owner`
      insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu, public_key)
      values (2, 'wg1', ${network}, 51821, 'vpn.example.com:51821', 1420, ${publicKey})`;
    await assert.rejects(
      second,
      { constraint_name: "wg_interfaces_networks_do_not_overlap" },
      network,
    );
  }
});
