import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { isEchoed } from "../support/tunnel_lab.ts";
import { TestDaemon } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";
import { killableDatabase } from "./wgd_killable_database.ts";

Deno.test("T3: with a database that stopped answering between two passes, or under one over others, an expiry cuts within 1 s", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net, { env: { WGD_RECONCILE_INTERVAL: "1h" } });
  await wgd.start();
  const [peer, first, second] = await wgd.addPeers(3);
  assert.ok(peer && first && second);
  for (const each of [peer, first, second]) await wgd.untilState(each, "applied");
  const [early, late] = [await wgd.endIn(first, 2000), await wgd.endIn(second, 4000)];
  // When it answers, no pass is under way, and the ends are known.
  await wgd.client.reconcile({});
  const answering = Promise.withResolvers<void>();
  const blocked = db.owner.begin(async (tx) => {
    await tx`lock table wg_peers in access exclusive mode`;
    await answering.promise;
  });
  try {
    const times = [await wgd.goneAfter(first, early)];
    await until("the second one's time is near", () => Date.now() > late.getTime() - 500);
    const other = wgd.client.reconcile({ peer_ids: [peer.id] });
    times.push(await wgd.goneAfter(second, late));
    assert.ok(times.every((ms) => ms >= 0 && ms < 1000), `gone ${times} ms after their time`);
    assert.equal((await other).failed[0]?.error, "the database cannot be read");
  } finally {
    answering.resolve();
    await blocked;
  }
  await wgd.client.reconcile({});
  for (const guest of [first, second]) await wgd.untilState(guest, "removed");
  await assertWhole(wgd, { created: [peer.id], removed: [first.publicKey, second.publicKey] });
});

Deno.test("T8: the tunnel without its database", async (t) => {
  await using server = await killableDatabase();
  const { db } = server;
  await using net = await namespaces("server", "client");
  await using wgd = await TestDaemon.create(db, net);
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const pings = () => isEchoed(net, "client", { address: "10.10.0.1", must: true });
  const database = async () => (await wgd.client.status()).database;

  await step("down at the very first start: the daemon waits, and makes no key", async () => {
    await server.kill();
    await wgd.start({ ready: false });
    await until("it says so", async () => await database() === "disconnected");
    await assert.rejects(wgd.client.reconcile({}), { reason: "not_ready" });
    assert.equal((await net.exec("server", ["ip", "link", "show", wgd.name])).success, false);
    await server.start();
    await until("it starts by itself", async () => (await wgd.client.status()).interface.up);
  });

  await step(
    "not answering: an expiry cuts within 1 s though a pass waits for its rows",
    async () => {
      const guest = await wgd.addPeer();
      await wgd.untilState(guest, "applied");
      const expiresAt = await wgd.endIn(guest, 2000);
      // The end is known before the rows are not to be had any more.
      await wgd.client.reconcile({});
      const gone = Promise.withResolvers<void>();
      const blocked = db.owner.begin(async (tx) => {
        await tx`lock table wg_peers in access exclusive mode`;
        await gone.promise;
      });
      try {
        const late = await wgd.goneAfter(guest, expiresAt);
        assert.ok(late >= 0 && late < 1000, `gone ${late} ms after its time`);
      } finally {
        gone.resolve();
        await blocked;
      }
      await wgd.untilState(guest, "removed");
    },
  );

  const peer = await wgd.addPeer();
  const quiet = await wgd.addPeer();
  await Promise.all([wgd.untilState(peer, "applied"), wgd.untilState(quiet, "applied")]);
  await wgd.connect("client", peer);
  await until("the tunnel carries packets", pings);
  const guest = await wgd.addPeer();
  await wgd.untilState(guest, "applied");

  await step(
    "killed under the daemon: the tunnel stays, and an expiry still cuts within 1 s",
    async () => {
      const expiresAt = await wgd.endIn(guest, 4000);
      await wgd.client.reconcile({});
      // Looked for all the while, however long the rest takes.
      const leaving = wgd.goneAfter(guest, expiresAt);
      await Promise.all([
        leaving,
        server.kill().then(() =>
          until("it is noticed", async () => await database() === "disconnected")
        ),
      ]);
      const late = await leaving;
      assert.ok(late >= 0 && late < 1000, `gone ${late} ms after its time`);
      assert.ok(await pings());
    },
  );
  await step(
    "drift is repaired from memory, and the answer admits that nothing was read",
    async () => {
      await wgd.wg("set", wgd.name, "peer", quiet.publicKey, "remove");
      await until("it is back", async () => (await wgd.dump()).peers.has(quiet.publicKey));
      const { applied, failed } = await wgd.client.reconcile({ peer_ids: [quiet.id] });
      assert.deepEqual([applied, failed[0]?.error], [[], "the database cannot be read"]);
    },
  );
  let byHand = "";
  await step("T7: a key added meanwhile is left alone, because nothing was read", async () => {
    byHand = (await net.run("server", ["sh", "-c", "wg genkey | wg pubkey"])).trim();
    await wgd.wg("set", wgd.name, "peer", byHand);
    for (let pass = 0; pass < 2; pass++) await wgd.client.reconcile({});
    assert.ok((await wgd.dump()).peers.has(byHand));
  });
  await step("back again: connected, recorded, and changes arrive at once", async () => {
    await server.start();
    await until("it is connected", async () => await database() === "connected");
    await wgd.untilState(guest, "removed");
    const fresh = await wgd.addPeer();
    await wgd.untilState(fresh, "applied");
    assert.equal((await wgd.dump()).peers.has(byHand), false);
    // What was repaired meanwhile is audited now.
    const entries = await db.owner`
      select from audit_log where action = 'wireguard.drift_repaired' and peer_id = ${quiet.id}`;
    assert.equal(entries.length, 1);
  });
  await step("down while the daemon starts: it adopts the interface as it is", async () => {
    await until("the tunnel carries packets", pings);
    const before = [...(await wgd.dump()).peers.keys()].sort();
    await server.kill();
    await wgd.end("SIGKILL");
    await wgd.start({ ready: false });
    await until(
      "the interface was looked at",
      async () => (await wgd.client.status()).interface.up,
    );
    assert.deepEqual([...(await wgd.dump()).peers.keys()].sort(), before);
    assert.ok(await pings());
    await server.start();
    await until("it is connected", async () => await database() === "connected");
    const fresh = await wgd.addPeer();
    await wgd.untilState(fresh, "applied");
    await assertWhole(wgd, {
      created: [peer.id, quiet.id, fresh.id],
      removed: [guest.publicKey, byHand],
    });
  });
});
