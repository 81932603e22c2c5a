import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { type SeededTenant, seedInterface, seedTenant } from "../support/seed.ts";
import { until } from "../support/until.ts";

interface World extends AsyncDisposable {
  db: TestDatabase;
  a: SeededTenant;
  generation(): Promise<bigint>;
}

async function world(): Promise<World> {
  const db = await testDatabase();
  await seedInterface(db.owner);
  const a = await seedTenant(db.owner, "alpha");
  return {
    db,
    a,
    async generation() {
      const [row] = await db.owner<{ generation: string }[]>`
        select generation::text from wg_peers where id = ${a.peerId}`;
      return BigInt(row?.generation ?? -1);
    },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}

Deno.test("wg_peers: generation moves exactly with what the interface must follow", async () => {
  await using given = await world();
  const { db, a } = given;
  const { publicKey } = await generateKeyPair();
  const { publicKey: successor } = await generateKeyPair();
  const desired = {
    enabled: "false",
    expires_at: "now() + interval '1 day'",
    public_key: `'${publicKey}'`,
    preshared_key: "decode(repeat('00', 73), 'hex')",
    address: "'10.10.0.50'",
    user_id: "null",
    successor_public_key: `'${successor}', successor_deadline = now()`,
    successor_deadline: "now() + interval '1 hour'",
    successor_preshared_key: "decode(repeat('00', 73), 'hex')",
    deleted_at: "now()",
  };
  const shape = {
    name: "'renamed'",
    dns: "'{10.10.0.1}'",
    mtu: "1400",
    persistent_keepalive: "25",
    client_allowed_ips: "'{10.0.0.0/8}'",
    updated_at: "now()",
    disabled_by: "'owner'",
    expiry_set_by: "'owner'",
    generation: "1000000",
    changed_at: "'epoch'",
  };
  const set = (column: string, value: string) =>
    db.owner.unsafe(`update wg_peers set ${column} = ${value} where id = '${a.peerId}'`);
  for (const [column, value] of Object.entries(shape)) {
    const before = await given.generation();
    await set(column, value);
    assert.equal(await given.generation(), before, column);
  }
  for (const [column, value] of Object.entries(desired)) {
    const before = await given.generation();
    await set(column, value);
    const after = await given.generation();
    assert.ok(after > before, column);
    await set(column, column);
    assert.equal(await given.generation(), after, `${column} to what it is`);
  }
  // Every column is on one side or the other, so that a new one is a decision.
  const columns = await db.owner<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = 'wg_peers'::regclass and attnum > 0 and not attisdropped`;
  const fixed = ["tenant_id", "id", "interface_id", "kind", "created_at"];
  assert.deepEqual(
    columns.map((column) => column.name).sort(),
    [...Object.keys(desired), ...Object.keys(shape), ...fixed].sort(),
  );
});

Deno.test("T3: a tombstone is final", async () => {
  await using given = await world();
  const { db, a } = given;
  await db.owner`update wg_peers set deleted_at = now() where id = ${a.peerId}`;
  const api = connect(db.url("massacorp_api"), { max: 1, applicationName: "tombstone" });
  for (const sql of [db.owner, api]) {
    const revive = sql.begin(async (sql) => {
      await sql`select set_config('app.tenant_id', ${String(a.id)}, true)`;
      await sql`update wg_peers set deleted_at = null where id = ${a.peerId}`;
    });
    await assert.rejects(revive, { code: "23514", constraint_name: "wg_peers_removal_is_final" });
  }
  await api.end({ timeout: 5 });
  const [row] = await db
    .owner`select deleted_at is not null as gone from wg_peers where id = ${a.peerId}`;
  assert.equal(row?.gone, true);
});

Deno.test("T3: no key leaves wg_peers without a tombstone, but that of a purged tombstone", async () => {
  await using given = await world();
  const { db, a } = given;
  await db.owner`delete from wg_retired_keys`;
  const retired = async () =>
    (await db.owner`select tenant_id, peer_id, interface_id, public_key from wg_retired_keys`)
      .map((row) => ({ ...row }));
  const entry = (publicKey: string) => ({
    tenant_id: a.id,
    peer_id: a.peerId,
    interface_id: 1,
    public_key: publicKey,
  });
  const second = await generateKeyPair();
  // As the API rotates: within its tenant, without the right to read the table.
  const api = connect(db.url("massacorp_api"), { max: 1, applicationName: "rotate" });
  const rotate = (publicKey: string) =>
    api.begin(async (sql) => {
      await sql`select set_config('app.tenant_id', ${String(a.id)}, true)`;
      await sql`update wg_peers set public_key = ${publicKey} where id = ${a.peerId}`;
    });
  await rotate(second.publicKey);
  assert.deepEqual(await retired(), [entry(a.publicKey)]);
  // There and back again: the same key retires twice.
  await rotate(a.publicKey);
  await rotate(second.publicKey);
  assert.deepEqual((await retired()).length, 2);
  await api.end({ timeout: 5 });

  await db.owner`delete from wg_retired_keys`;
  await db.owner`delete from wg_peers where id = ${a.peerId}`;
  assert.deepEqual(await retired(), [entry(second.publicKey)]);

  const b = await seedTenant(db.owner, "beta");
  await db.owner`delete from wg_retired_keys`;
  await db.owner`update wg_peers set deleted_at = now() where id = ${b.peerId}`;
  await db.owner`delete from wg_peers where id = ${b.peerId}`;
  assert.deepEqual(await retired(), []);
});

Deno.test("wg_peers: a gateway's own key is refused, on insert and on rotation", async () => {
  await using given = await world();
  const { db, a } = given;
  const refused = { code: "23514", constraint_name: "wg_peers_public_key_is_no_gateway" };
  await assert.rejects(
    db.owner`update wg_peers set public_key = (select public_key from wg_interfaces) where id = ${a.peerId}`,
    refused,
  );
  await assert.rejects(
    db.owner`
      insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
        select ${a.id}, gen_random_uuid(), 1, 'gateway', public_key, '10.10.0.60' from wg_interfaces`,
    refused,
  );
});

Deno.test("wg_desired: each change that the interface must follow is notified, and no other", async () => {
  await using given = await world();
  const { db, a } = given;
  const listener = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "listener" });
  const heard: string[] = [];
  await listener.listen("wg_desired", (payload) => heard.push(payload));
  const expectAfter = async (statement: string, payloads: string[]) => {
    await db.owner.unsafe(statement);
    // Notifications keep the order of commits, so this one ends those of the statement.
    await db.owner`select pg_notify('wg_desired', 'end')`;
    await until("the end", () => heard.includes("end"));
    assert.deepEqual(heard.splice(0), [...payloads, "end"], statement);
  };
  const peer = `where id = '${a.peerId}'`;
  await expectAfter(`update wg_peers set name = 'renamed' ${peer}`, []);
  await expectAfter("update wg_peer_status set state = 'removed'", []);
  await expectAfter("update wg_peer_traffic set received_bytes = received_bytes + 1", []);
  await expectAfter(`update wg_peers set enabled = false ${peer}`, [a.peerId]);
  await expectAfter(`update wg_peers set deleted_at = now() ${peer}`, [a.peerId]);
  // The seed's policy has a service on this peer, which goes with it.
  await expectAfter(`delete from wg_peers ${peer}`, ["*"]);
  await expectAfter(`update users set name = 'Renamed' where id = ${a.userId}`, []);
  await expectAfter(`update users set status = 'inactive' where id = ${a.userId}`, ["*"]);
  await expectAfter(`update tenants set status = 'suspended' where id = ${a.id}`, ["*"]);
  await expectAfter("update wg_interfaces set mtu = 1400", ["*"]);
  const key = `${"A".repeat(43)}=`;
  await expectAfter(`insert into wg_release_keys (interface_id, public_key) values (1, '${key}')`, [
    "*",
  ]);
  await listener.end({ timeout: 5 });
});
