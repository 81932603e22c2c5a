import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { startPings } from "../support/pings.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";

Deno.test("T4: an unchanged peer loses no packet, and keeps endpoint, session and counters", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server", "client");
  await using wgd = await TestDaemon.create(db, net, { env: { WG_NETWORK: "10.10.0.0/20" } });
  await wgd.start();
  const peer = await wgd.addPeer();
  await wgd.untilState(peer, "applied");
  await wgd.connect("client", peer);
  await until(
    "the tunnel carries packets",
    async () => (await net.exec("client", ["ping", "-c", "1", "-W", "1", "10.10.0.1"])).success,
  );

  const quiet = async (what: string, disturb: () => Promise<void>) => {
    const passed = await t.step(what, async () => {
      const before = (await wgd.dump()).peers.get(peer.publicKey);
      const pings = startPings((command) => net.argv("client", command));
      await disturb().finally(() => pings.stop());
      const { sent, received } = await pings.stop();
      assert.equal(received, sent, `${sent - received} of ${sent} pings were lost`);
      const after = (await wgd.dump()).peers.get(peer.publicKey);
      assert.ok(before && after);
      assert.equal(after.endpoint, before.endpoint);
      // The client itself makes it anew when it is 120 s old (REKEY_AFTER_TIME), and never sooner.
      const age = after.latestHandshake - before.latestHandshake;
      assert.ok(age === 0 || age >= 120, `the session was made anew after ${age} s`);
      assert.ok(after.receivedBytes >= before.receivedBytes + sent * 84, "the counters began anew");
    });
    assert.ok(passed, what);
  };

  await quiet("during full reconciles", async () => {
    for (const end = performance.now() + 2000; performance.now() < end;) {
      await wgd.client.reconcile({});
    }
  });
  await quiet("while 1,000 others come, change and go", async () => {
    const others = await wgd.addPeers(1000);
    await wgd.client.reconcile({});
    assert.equal((await wgd.dump()).peers.size, 1001);
    await db.owner`update wg_peers set preshared_key = null where id <> ${peer.id}`;
    await wgd.client.reconcile({});
    await db.owner`update wg_peers set deleted_at = now()
      where id in (select id from wg_peers where id <> ${peer.id} limit 500)`;
    await wgd.client.reconcile({});
    assert.equal((await wgd.dump()).peers.size, 501);
    const peer_ids = others.map(({ id }) => id);
    await db.owner`update wg_peers set deleted_at = now() where id <> ${peer.id}`;
    assert.equal((await wgd.client.reconcile({ peer_ids })).removed.length, others.length);
  });
  await wgd.addPeers(300);
  await quiet("while 300 others are missing, and full reconciles put them back", async () => {
    await assertWhole(wgd);
    for (let round = 0; round < 3; round++) {
      const others = [...(await wgd.dump()).peers.keys()].filter((key) => key !== peer.publicKey);
      await wgd.wg("set", wgd.name, ...others.flatMap((key) => ["peer", key, "remove"]));
      await wgd.client.reconcile({});
      assert.equal((await wgd.dump()).peers.size, 301);
    }
  });
  await quiet("while the daemon is killed and started again, three times", async () => {
    for (let round = 0; round < 3; round++) {
      await wgd.end("SIGKILL");
      await wgd.start();
    }
  });
  await quiet("while the daemon is stopped in order and started again", async () => {
    assert.equal((await wgd.end("SIGTERM")).code, 0);
    await wgd.start();
  });
  await assertWhole(wgd);
});
