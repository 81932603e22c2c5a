import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { connect, type Sql } from "../../db/connection.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../../tests/support/database.ts";
import type { Receipt } from "./receipts.ts";
import { type PassRecord, type StatusChange, writeRecord } from "./store.ts";

const nothing: PassRecord = {
  statuses: [],
  peers: [],
  retired: [],
  released: [],
  receipts: [],
  audit: [],
};

Deno.test("writeRecord: as the daemon's role", async (t) => {
  await using db = await testDatabase();
  const sql: Sql = connect(db.url("massacorp_wgd"), { max: 2, applicationName: "test" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  const { owner } = db;
  await owner`
    insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
      values (1, 'wg0', '10.10.0.0/24', 1, 'a:1', 1420)`;
  const [tenant] = await owner<{ id: number }[]>`
    insert into tenants (slug, name) values ('t', 'T') returning id`;
  assert.ok(tenant);
  const id = crypto.randomUUID();
  const { publicKey } = await generateKeyPair();
  await owner`
    insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
      values (${tenant.id}, ${id}, 1, 'x', ${publicKey}, '10.10.0.6')`;
  const status = (change: Partial<StatusChange>): StatusChange => ({
    tenantId: tenant.id,
    peerId: id,
    generation: "5",
    state: "applied",
    error: null,
    ...change,
  });
  const stored = async () => {
    const [row] = await owner<{ generation: string; state: string; changed_at: Date }[]>`
      select generation, state, changed_at from wg_peer_status`;
    return row ?? assert.fail("no status");
  };
  const receipt = (facts: Pick<Receipt, "what" | "publicKey">): Receipt => ({
    ...facts,
    interfaceId: 1,
    tenantId: tenant.id,
    peerId: id,
    gatewayKey: publicKey,
    readBackAt: new Date(),
    receiptKey: publicKey,
    signature: new Uint8Array(64),
  });
  const storedReceipts = async () =>
    (await owner<{ what: string; public_key: string }[]>`
      select what, public_key from wg_receipts order by id`).map((
      row,
    ) => [row.what, row.public_key]);
  const tombstone = desiredPeer({
    tenantId: tenant.id,
    id,
    publicKey,
    generation: "6",
    active: false,
    tombstone: true,
  });
  const write = (record: Partial<PassRecord>) => writeRecord(sql, 1, { ...nothing, ...record });

  await t.step("what is written twice changed once", async () => {
    await write({ statuses: [status({})] });
    const before = await stored();
    await write({ statuses: [status({})] });
    assert.deepEqual((await stored()).changed_at, before.changed_at);
  });
  await t.step(
    "what was seen of an older row never replaces what was seen of a newer one",
    async () => {
      await write({ statuses: [status({ generation: "4", state: "failed", error: "late" })] });
      const { generation, state } = await stored();
      assert.deepEqual([generation, state], ["5", "applied"]);
    },
  );
  await t.step("a peer whose row is gone is left out, and the others are written", async () => {
    const gone = status({ peerId: crypto.randomUUID() });
    await write({ statuses: [gone, status({ generation: "6" })] });
    assert.equal((await stored()).generation, "6");
  });
  await t.step("T7: only a tombstone can be purged, whatever was asked", async () => {
    const receipts = [receipt({ what: "peer", publicKey })];
    await write({ peers: [tombstone], receipts });
    assert.equal((await owner`select from wg_peers`).length, 1);
    assert.equal((await owner`select from wg_receipts`).length, 0, "nothing went");
    await owner`update wg_peers set deleted_at = now()`;
    await write({ peers: [tombstone], receipts });
    assert.equal((await owner`select from wg_peers`).length, 0);
    assert.deepEqual(await storedReceipts(), [["peer", publicKey]]);
    await write({ peers: [tombstone], receipts });
    assert.equal((await storedReceipts()).length, 1, "what went goes only once");
  });
  await t.step("T3: a key that its peer had before leaves a receipt of its own", async () => {
    const old = (await generateKeyPair()).publicKey;
    await owner`insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
      values (${tenant.id}, ${id}, 1, ${old})`;
    const retired = [{ tenantId: tenant.id, peerId: id, publicKey: old }];
    await write({ retired, receipts: [receipt({ what: "key", publicKey: old })] });
    assert.deepEqual(await storedReceipts(), [["peer", publicKey], ["key", old]]);
  });
  await t.step(
    "receipts older than 400 days go when another comes, and no younger one",
    async () => {
      await owner`update wg_receipts set read_back_at = now() - interval '401 days' where what = 'key'`;
      await owner`update wg_receipts set read_back_at = now() - interval '399 days' where what = 'peer'`;
      const newest = (await generateKeyPair()).publicKey;
      await owner`insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
      values (${tenant.id}, ${id}, 1, ${newest})`;
      const retired = [{ tenantId: tenant.id, peerId: id, publicKey: newest }];
      await write({ retired, receipts: [receipt({ what: "key", publicKey: newest })] });
      assert.deepEqual(await storedReceipts(), [["peer", publicKey], ["key", newest]]);
    },
  );
  await t.step(
    "T3: nothing goes of another gateway's, and no receipt for what did not go",
    async () => {
      const both = (await generateKeyPair()).publicKey;
      await owner`
      insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
        values (2, 'wg1', '10.11.0.0/24', 2, 'a:2', 1420)`;
      await owner`insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
      select ${tenant.id}, ${id}, i, ${both} from generate_series(1, 2) i`;
      await owner`
      insert into wg_release_keys (interface_id, public_key) select i, ${both} from generate_series(1, 2) i`;
      const [peerId, other] = [crypto.randomUUID(), (await generateKeyPair()).publicKey];
      await owner`
      insert into wg_peers (tenant_id, id, interface_id, name, public_key, address, deleted_at)
        values (${tenant.id}, ${peerId}, 1, 'y', ${other}, '10.10.0.7', now())`;
      const before = await storedReceipts();
      await write({
        peers: [{ ...tombstone, id: peerId, publicKey: other, address: "10.10.0.7" }],
        retired: [{ tenantId: tenant.id, peerId: id, publicKey: both }],
        released: [both],
        receipts: [{ ...receipt({ what: "peer", publicKey: both }), peerId }],
      });
      assert.deepEqual(await storedReceipts(), before);
      const left = await owner`
      select interface_id from wg_retired_keys union all select interface_id from wg_release_keys`;
      assert.deepEqual(left.map((row) => row.interface_id), [2, 2]);
      await owner`delete from wg_retired_keys`;
    },
  );
  await t.step("all of it or nothing", async () => {
    await owner`insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
      values (${tenant.id}, ${id}, 1, 'old')`;
    const retired = [{ tenantId: tenant.id, peerId: id, publicKey: "old" }];
    const audit = { action: "wireguard.key_removed", peerId: id, details: {} } as const;
    await assert.rejects(
      write({ retired, audit: [{ ...audit, tenantId: tenant.id, peerId: "none" }] }),
    );
    assert.equal((await owner`select from wg_retired_keys`).length, 1);
    await write({ retired, audit: [{ ...audit, tenantId: tenant.id }] });
    assert.equal((await owner`select from wg_retired_keys`).length, 0);
    assert.equal((await owner`select from audit_log`).length, 1);
  });
  await t.step(
    "what is of the interface is the operators' own, where they have a tenant",
    async () => {
      const of = { action: "wireguard.drift_repaired", tenantId: null, peerId: null } as const;
      const audit = [{ ...of, details: { differences: ["mtu"] } }];
      await write({ audit });
      assert.equal(
        (await owner`select from audit_log where target_type = 'wg_interface'`).length,
        0,
      );
      const [platform] = await owner`
      insert into tenants (slug, name, is_platform) values ('platform', 'P', true) returning id`;
      await write({ audit });
      const found = await owner`
      select tenant_id, target_id, details from audit_log where target_type = 'wg_interface'`;
      assert.deepEqual([...found], [{
        tenant_id: platform?.id,
        target_id: "1",
        details: { differences: ["mtu"] },
      }]);
    },
  );
});
