import assert from "node:assert/strict";
import type { TransactionSql } from "postgres";
import { connect, type Sql } from "../../db/connection.ts";
import { addressPlan } from "../../lib/address.ts";
import { createSealer, presharedKeyRow } from "../../lib/seal.ts";
import { Secret } from "../../lib/secret.ts";
import { generateKeyPair, generatePresharedKey } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { createDesiredStore } from "./mod.ts";
import { sliceOf } from "./store.ts";

const plan = addressPlan("10.10.0.0/24");

Deno.test("createDesiredStore: reads rows as the daemon's role", async (t) => {
  await using db = await testDatabase();
  const sql: Sql = connect(db.url("massacorp_wgd"), { max: 2, applicationName: "test" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  const { owner } = db;
  await owner`
    insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
      values (1, 'wg0', '10.10.0.0/24', 1, 'a:1', 1420), (2, 'wg1', '10.11.0.0/24', 2, 'a:2', 1420)`;
  const [tenant] = await owner<{ id: number }[]>`
    insert into tenants (slug, name) values ('t', 'T') returning id`;
  assert.ok(tenant);
  const tenantId = tenant.id;
  const [user] = await owner<{ id: number }[]>`
    insert into users (tenant_id, email, password_hash)
      values (${tenantId}, 'a@b.c', '$argon2id$') returning id`;
  assert.ok(user);
  const sealer = await createSealer(new Secret(crypto.getRandomValues(new Uint8Array(32))));
  const store = createDesiredStore({ interfaceId: 1, plan, sealer });

  const id = crypto.randomUUID();
  const { publicKey } = await generateKeyPair();
  const psk = generatePresharedKey();
  const seal = (peerId: string) =>
    sealer.seal(
      new TextEncoder().encode(psk.reveal()),
      presharedKeyRow({ tenantId, peerId, publicKey }),
    );
  await owner`
    insert into wg_peers (tenant_id, id, interface_id, user_id, name, public_key, preshared_key, address)
      values (${tenantId}, ${id}, 1, ${user.id}, 'x', ${publicKey}, ${await seal(
    id,
  )}, '10.10.0.6')`;
  const other = crypto.randomUUID();
  await owner`
    insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
      values (${tenantId}, ${other}, 2, 'x', ${(await generateKeyPair()).publicKey}, '10.11.0.6')`;
  const read = async () => {
    const { state: { peers } } = await store.readAll(sql);
    assert.equal(peers.length, 1, "only its own interface");
    return peers[0] ?? assert.fail();
  };

  await t.step("a whole row, its preshared key opened", async () => {
    const askedAt = performance.now();
    const { presharedKey, generation, changedAt, ...peer } = await read();
    assert.equal(presharedKey?.reveal(), psk.reveal());
    assert.ok(changedAt && changedAt > askedAt - 60_000 && changedAt < performance.now());
    assert.match(generation, /^\d+$/);
    assert.deepEqual(peer, {
      tenantId,
      id,
      publicKey,
      address: "10.10.0.6",
      allowedIps: ["10.10.0.6/32"],
      successor: null,
      active: true,
      expiresAt: null,
      tombstone: false,
      heldBecause: null,
      status: null,
      permanent: true,
    });
  });
  await t.step("a change, and nothing else, moves the time that it is from", async () => {
    const times = async () => {
      const [row] = await owner<{ changed: string }[]>`
        select changed_at::text as changed from wg_peers where id = ${id}`;
      return row?.changed;
    };
    const before = await times();
    await owner`update wg_peers set name = 'y' where id = ${id}`;
    assert.equal(await times(), before);
    const { changedAt: first } = await read();
    const changing = performance.now();
    await owner`update wg_peers set enabled = false where id = ${id}`;
    await owner`update wg_peers set enabled = true where id = ${id}`;
    assert.notEqual(await times(), before);
    const asked = performance.now();
    const { changedAt: second } = await read();
    // It is too early by what goes by between the question and the database's look at its own clock.
    const tookMs = performance.now() - asked;
    assert.ok(first && first < changing);
    assert.ok(second && second + tookMs >= changing && second < asked);
  });
  await t.step("a successor, with its preshared key, which opens for it alone", async () => {
    const next = await generateKeyPair();
    const waits = async (sealed: Uint8Array) => {
      await owner`update wg_peers set successor_public_key = ${next.publicKey},
        successor_preshared_key = ${sealed}, successor_deadline = '2030-01-01T00:00:00Z' where id = ${id}`;
      const { successor, heldBecause } = await read();
      assert.equal(heldBecause, null);
      return successor ?? assert.fail();
    };
    const place = presharedKeyRow({ tenantId, peerId: id, publicKey: next.publicKey });
    const value = new TextEncoder().encode(generatePresharedKey().reveal());
    const found = await waits(await sealer.seal(value, place));
    assert.equal(found.presharedKey?.reveal(), new TextDecoder().decode(value));
    assert.deepEqual(
      { ...found, presharedKey: null },
      {
        publicKey: next.publicKey,
        presharedKey: null,
        deadline: Date.UTC(2030, 0),
        heldBecause: null,
      },
    );
    const stolen = await waits(await seal(id));
    assert.equal(stolen.presharedKey, null);
    assert.match(stolen.heldBecause ?? "", /its successor's preshared key cannot be opened/);
    await owner`update wg_peers set successor_public_key = null, successor_preshared_key = null,
      successor_deadline = null where id = ${id}`;
    assert.equal((await read()).successor, null);
    await owner`delete from wg_retired_keys`;
  });
  await t.step("T6: opened for one row, it is not for another that got its key", async () => {
    const thief = crypto.randomUUID();
    await read();
    const move = async (from: string, to: string) => {
      await db.superuser.begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        await tx`update wg_peers set id = ${to} where id = ${from}`;
      });
      return await read();
    };
    const stolen = await move(id, thief);
    assert.equal(stolen.presharedKey, null);
    assert.match(stolen.heldBecause ?? "", /cannot be opened/);
    assert.equal((await move(thief, id)).heldBecause, null);
  });
  await t.step("by ids: those, and their retired keys", async () => {
    await owner`insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
      values (${tenantId}, ${id}, 1, 'old')`;
    const found = await store.read(sql, [id, other]);
    assert.deepEqual(found.peers.map((peer) => peer.id), [id]);
    assert.deepEqual(found.retired, [{ tenantId, peerId: id, publicKey: "old" }]);
    assert.deepEqual(await store.read(sql, [crypto.randomUUID()]), { peers: [], retired: [] });
  });

  await t.step("read again, only what changed, by whatever way", async () => {
    const first = await store.readAll(sql);
    assert.equal(first.slices, "all");
    const again = async () => (await store.readAll(sql, first.digests)).slices;
    assert.deepEqual(await again(), new Set());
    const mine = new Set([sliceOf(id)]);
    const { publicKey: another } = await generateKeyPair();
    const during = async (change: (tx: TransactionSql) => Promise<unknown>) => {
      const [before] = await owner`select * from wg_peers where id = ${id}`;
      await db.superuser.begin(async (tx) => {
        // Past every trigger, the way a restored table would change.
        await tx`set local session_replication_role = replica`;
        await change(tx);
      });
      const slices = await again();
      await db.superuser.begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        await tx`delete from wg_peers where id = ${id}`;
        await tx`insert into wg_peers ${tx(before ?? {})}`;
        await tx`update users set status = 'active'`;
        await tx`update tenants set status = 'active'`;
        await tx`delete from wg_retired_keys where public_key = 'x'`;
      });
      return slices;
    };
    const changes: ((tx: TransactionSql) => Promise<unknown>)[] = [
      (tx) => tx`delete from wg_peers where id = ${id}`,
      (tx) => tx`update wg_peers set enabled = false where id = ${id}`,
      (tx) => tx`update wg_peers set expires_at = now() where id = ${id}`,
      (tx) => tx`update wg_peers set deleted_at = now() where id = ${id}`,
      (tx) => tx`update wg_peers set preshared_key = null where id = ${id}`,
      (tx) => tx`update wg_peers set address = '10.10.0.7' where id = ${id}`,
      (tx) => tx`update wg_peers set public_key = ${another} where id = ${id}`,
      (tx) => tx`update wg_peers set user_id = null where id = ${id}`,
      (tx) => tx`update users set status = 'inactive'`,
      (tx) => tx`update tenants set status = 'suspended'`,
      (tx) =>
        tx`insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
          values (${tenantId}, ${id}, 1, 'x')`,
    ];
    for (const [at, run] of changes.entries()) {
      assert.deepEqual(await during(run), mine, `change ${at}`);
    }
    assert.deepEqual(await again(), new Set());
  });

  const change = async (name: string, run: (to: Sql) => Promise<unknown>, expected: object) => {
    await t.step(name, async () => {
      const [before] = await owner`select * from wg_peers where id = ${id}`;
      await run(owner);
      const { active, tombstone, heldBecause, expiresAt } = await read();
      assert.deepEqual({ active, tombstone, heldBecause, expiresAt }, {
        active: true,
        tombstone: false,
        heldBecause: null,
        expiresAt: null,
        ...expected,
      });
      await owner`update tenants set status = 'active'`;
      await owner`update users set status = 'active'`;
      await owner`update wg_peers set ${
        owner(before ?? {}, "enabled", "expires_at", "preshared_key", "address")
      } where id = ${id}`;
    });
  };
  await change("disabled", (to) => to`update wg_peers set enabled = false`, { active: false });
  await change("tenant suspended", (to) => to`update tenants set status = 'suspended'`, {
    active: false,
  });
  await change("owner inactive", (to) => to`update users set status = 'inactive'`, {
    active: false,
  });
  await change("an end", (to) => to`update wg_peers set expires_at = '2030-01-01T00:00:00.5Z'`, {
    expiresAt: Date.UTC(2030, 0, 1) + 500,
  });
  await change(
    "an end that never comes",
    (to) => to`update wg_peers set expires_at = 'infinity'`,
    {},
  );
  const unopened =
    "its preshared key cannot be opened with the keys of this gateway: it is sealed under unnamed";
  await change(
    "T6: a preshared key of another row",
    async (to) =>
      await to`update wg_peers set preshared_key = ${await seal(other)} where id = ${id}`,
    { heldBecause: unopened },
  );
  await change(
    "T6: a preshared key that opens, and is none",
    async (to) => {
      const sealed = await sealer.seal(
        new TextEncoder().encode("x".repeat(44)),
        presharedKeyRow({ tenantId, peerId: id, publicKey }),
      );
      return await to`update wg_peers set preshared_key = ${sealed} where id = ${id}`;
    },
    { heldBecause: unopened },
  );
  const misplaced = "its address is not one that a peer of this network may hold";
  for (const address of ["10.10.0.1", "10.10.0.2", "10.10.0.5", "10.10.0.254", "10.99.0.6"]) {
    await owner`insert into wg_ip_pool (interface_id, address) values (1, ${address})
      on conflict do nothing`;
    await change(
      `the address ${address}`,
      (to) => to`update wg_peers set address = ${address} where id = ${id}`,
      { heldBecause: misplaced },
    );
  }
  await change(
    "removed for good",
    (to) => to`update wg_peers set deleted_at = now() where id = ${id}`,
    { active: false, tombstone: true },
  );
});
