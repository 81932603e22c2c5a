import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";

/** Two gateways: an interface, a network, a key and a daemon each, in a namespace each, on one database. */
Deno.test("T2, T3, T5: of two gateways each lets in its own peers alone, and one that moves is gone there and let in here", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("one", "two", "client");
  const one = await TestDaemon.create(db, net, { role: "one" });
  await using _one = one;
  const two = await TestDaemon.create(db, net, {
    role: "two",
    subkey: one.subkey,
    env: { WG_INTERFACE_ID: "2", WG_NETWORK: "10.11.0.0/24" },
  });
  await using _two = two;
  await Promise.all([one.start(), two.start()]);
  const answers = async (address: string) =>
    (await net.exec("client", ["ping", "-c", "1", "-W", "1", address])).success;

  const tenantId = await one.tenant();
  const here = await one.addPeer();
  const there = await two.addPeer({ tenantId });
  assert.deepEqual([here.address, there.address], ["10.10.0.6", "10.11.0.6"]);
  await Promise.all([one.untilState(here, "applied"), two.untilState(there, "applied")]);
  const keys = async (daemon: TestDaemon) => [...(await daemon.dump()).peers.keys()];
  assert.deepEqual([await keys(one), await keys(two)], [[here.publicKey], [there.publicKey]]);
  await one.connect("client", here);
  await until("the first carries packets", () => answers("10.10.0.1"));

  // Moving: a tombstone there and, with a new address, an addition here.
  await db.owner`update wg_peers set deleted_at = now() where id = ${here.id}`;
  const moved: TestPeer = await two.addPeer({ tenantId });
  await until("it is gone from the first", async () => (await keys(one)).length === 0);
  await two.untilState(moved, "applied");
  assert.equal(await answers("10.10.0.1"), false, "and no packet of it is let in");
  await two.connect("client", moved);
  await until("the second carries packets", () => answers("10.11.0.1"));
  const [row] = await db.owner`select count(*)::integer as n from wg_peers where id = ${here.id}`;
  assert.equal(row?.n, 0, "the first one's daemon alone deletes its tombstone");

  // One that ends takes nothing of the other along.
  await one.end("SIGKILL");
  const late = await two.addPeer({ tenantId });
  await two.untilState(late, "applied");
  assert(await answers("10.11.0.1"));
  const [waiting] = [await one.addPeer({ tenantId })];
  assert.equal(await one.status(waiting), undefined, "its own wait, and say nothing else");
  await one.start();
  await one.untilState(waiting, "applied");
  assert.deepEqual(await keys(one), [waiting.publicKey]);
  assert.deepEqual((await keys(two)).sort(), [there, moved, late].map((p) => p.publicKey).sort());
});
