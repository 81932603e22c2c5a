import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { connect, type Sql } from "../../db/connection.ts";
import { silentLogger } from "../../lib/log.ts";
import { encodeKey, generateKeyPair } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { type Database, DatabaseError } from "../database.ts";
import { parseDump } from "../observed.ts";
import { createReceipts } from "./receipts.ts";
import { createRecorder } from "./mod.ts";
import { Seen } from "../seen/mod.ts";
import { DesiredTable, nothing } from "../desired/table.ts";

const count = 1_200;

Deno.test("createRecorder: T3: many tombstones go in parts, each with its receipts and entries, and a cut-off write goes on where it was", async () => {
  await using db = await testDatabase();
  const sql: Sql = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "test" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  await db.owner`
    insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
      values (1, 'wg0', '10.10.0.0/20', 1, 'a:1', 1420)`;
  const [tenant] = await db.owner<{ id: number }[]>`
    insert into tenants (slug, name, peer_quota) values ('t', 'T', 5000) returning id`;
  assert.ok(tenant);
  const peers = Array.from({ length: count }, (_, n) =>
    desiredPeer({
      tenantId: tenant.id,
      id: crypto.randomUUID(),
      publicKey: encodeKey(crypto.getRandomValues(new Uint8Array(32))),
      address: `10.10.${1 + Math.floor(n / 200)}.${n % 200}`,
      allowedIps: [],
      active: false,
      tombstone: true,
    }));
  const rows = peers.map(({ id, publicKey, address }) => ({ id, publicKey, address }));
  await db.owner`
    insert into wg_peers (tenant_id, id, interface_id, name, public_key, address, deleted_at)
      select ${tenant.id}, id, 1, 'x', "publicKey", address, now()
      from jsonb_to_recordset(${
    db.owner.json(rows)
  }) as r (id uuid, "publicKey" text, address inet)`;

  const table = new DesiredTable();
  table.replaceSome(peers.map((peer) => peer.id), { peers, retired: [] });
  const seen = new Seen();
  seen.readBack(parseDump("(none)\t(none)\t1\toff\n"), Date.now());
  let writes = 0;
  let cutOff = false;
  const database: Pick<Database, "use"> = {
    use(work) {
      if (cutOff || ++writes === 2) return Promise.reject(new DatabaseError("cut off"));
      return work(sql);
    },
  };
  const recorder = createRecorder({
    interfaceId: 1,
    database: {
      ...database,
      state: "connected",
      attempted: Promise.resolve(),
      close: async () => {},
    },
    table,
    seen,
    receipts: await createReceipts({ interfaceId: 1, key: await generateKeyPair() }),
    log: silentLogger,
  });
  const { signal } = new AbortController();
  const write = () =>
    recorder.write([], { peers: [...table.peers.values()], retired: [], released: [] }, signal);
  const counts = async () => {
    const [row] = await db.owner`
      select (select count(*)::int from wg_peers) as peers,
        (select count(*)::int from wg_receipts) as receipts,
        (select count(*)::int from audit_log where action = 'wireguard.peer_removed') as entries`;
    return [row?.peers, row?.receipts, row?.entries, table.peers.size];
  };

  // More than is kept, and before the cut: of a write that failed, the newest 10,000 are written with the next.
  for (let n = 0; n < 10_001; n++) {
    const kept = { tenantId: tenant.id, peerId: null, details: { differences: [String(n)] } };
    recorder.audit({ ...kept, action: "wireguard.drift_repaired" });
  }
  cutOff = true;
  assert.equal(await recorder.write([], nothing, signal), false);
  cutOff = false;
  assert.equal(await recorder.write([], nothing, signal), true);
  const [kept] = await db.owner`
    select count(*)::int as n, min((details -> 'differences' ->> 0)::int) as first from audit_log`;
  assert.deepEqual({ ...kept }, { n: 10_000, first: 1 });
  writes = 0;

  assert.equal(await write(), false);
  const [left, receipts, entries, known] = await counts();
  assert.ok(receipts > 0 && receipts <= 500, `${receipts} in one transaction`);
  assert.deepEqual([left, entries, known], [count - receipts, receipts, count - receipts]);
  assert.equal(await write(), true);
  assert.deepEqual(await counts(), [0, count, count, 0]);
});
