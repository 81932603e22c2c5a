import assert from "node:assert/strict";
import { receiptStatement, verifyReceipt } from "../../lib/receipt.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";

interface Row {
  what: "peer" | "key";
  public_key: string;
  gateway_key: string;
  read_back_at: Date;
  receipt_key: string;
  signature: Uint8Array<ArrayBuffer>;
}

Deno.test("T3: what went is receipted: signed, once, and only after it was read back gone", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  const receipts = (peer: TestPeer) =>
    db.owner<Row[]>`select what, public_key, gateway_key, read_back_at, receipt_key, signature
      from wg_receipts where peer_id = ${peer.id} order by id`.then((rows) => [...rows]);
  const assertTrue = async (peer: TestPeer, row: Row) => {
    const [gateway] = await db.owner`select public_key, receipt_key from wg_interfaces`;
    assert.equal(row.gateway_key, gateway?.public_key);
    assert.equal(row.receipt_key, gateway?.receipt_key);
    const statement = receiptStatement({
      interfaceId: 1,
      gatewayKey: row.gateway_key,
      tenantId: peer.tenantId,
      peerId: peer.id,
      what: row.what,
      publicKey: row.public_key,
      readBackAt: row.read_back_at,
    });
    const signature = new Uint8Array(row.signature);
    assert.ok(await verifyReceipt({ statement, receiptKey: row.receipt_key, signature }));
  };
  const remove = (peer: TestPeer) =>
    db.owner`update wg_peers set deleted_at = now() where id = ${peer.id}`;
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  await step("a removed peer", async () => {
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
    assert.equal((await receipts(peer)).length, 0);
    const before = Date.now();
    await remove(peer);
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).removed, [peer.id]);
    const [row, ...more] = await receipts(peer);
    assert.ok(row);
    assert.deepEqual([row.what, row.public_key, more.length], ["peer", peer.publicKey, 0]);
    assert.ok(row.read_back_at.getTime() >= before && row.read_back_at.getTime() <= Date.now());
    await assertTrue(peer, row);
  });
  await step("a key that its peer rotated away, and then that peer", async () => {
    const peer = await wgd.addPeer({ psk: false });
    await wgd.untilState(peer, "applied");
    const next = (await generateKeyPair()).publicKey;
    await db.owner`update wg_peers set public_key = ${next} where id = ${peer.id}`;
    await until("the old key is receipted", async () => (await receipts(peer)).length === 1);
    await remove(peer);
    await until("so is the new one", async () => (await receipts(peer)).length === 2);
    const rows = await receipts(peer);
    assert.deepEqual(
      rows.map((row) => [row.what, row.public_key]),
      [["key", peer.publicKey], ["peer", next]],
    );
    for (const row of rows) await assertTrue(peer, row);
  });
  await step("while its row stands, none; after a daemon was killed, one", async () => {
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
    await wgd.end("SIGKILL");
    await remove(peer);
    assert.deepEqual(await receipts(peer), []);
    await wgd.start();
    await until("it is receipted", async () => (await receipts(peer)).length === 1);
    assert.equal((await db.owner`select from wg_peers where id = ${peer.id}`).length, 0);
    const [row] = await receipts(peer);
    await assertTrue(peer, row ?? assert.fail());
  });
});
