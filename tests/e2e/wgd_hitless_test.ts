import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";

/** A ping that runs until it is asked for its outcome. */
function startPing(argv: string[]): { stop(): Promise<{ sent: number; received: number }> } {
  const [program = "", ...args] = argv;
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "piped" }).spawn();
  const output = child.output();
  return {
    async stop() {
      child.kill("SIGINT");
      const text = new TextDecoder().decode((await output).stdout);
      const found = /(\d+) packets transmitted, (\d+) received/.exec(text);
      assert.ok(found, text);
      return { sent: Number(found[1]), received: Number(found[2]) };
    },
  };
}

Deno.test("T4: an unchanged peer loses no packet, and keeps endpoint, session and counters", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server", "client");
  await using wgd = await TestDaemon.create(db, net);
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
      const ping = startPing(net.argv("client", ["ping", "-i", "0.005", "-W", "1", "10.10.0.1"]));
      await disturb();
      const { sent, received } = await ping.stop();
      assert.ok(sent > 10, `only ${sent} pings were sent`);
      // The last one may have been under way when the ping was stopped.
      assert.ok(sent - received <= 1, `${sent - received} of ${sent} pings were lost`);
      const after = (await wgd.dump()).peers.get(peer.publicKey);
      assert.ok(before && after);
      assert.equal(after.endpoint, before.endpoint);
      assert.equal(after.latestHandshake, before.latestHandshake, "the session was made anew");
      assert.ok(after.receivedBytes > before.receivedBytes, "the counters began anew");
    });
    assert.ok(passed, what);
  };

  await quiet("during full reconciles", async () => {
    for (const end = performance.now() + 1000; performance.now() < end;) {
      await wgd.client.reconcile({});
    }
  });
  await quiet("while 100 others come, change and go", async () => {
    const others = await wgd.addPeers(100);
    await wgd.client.reconcile({});
    await db.owner`update wg_peers set preshared_key = null where id <> ${peer.id}`;
    await wgd.client.reconcile({});
    await db.owner`update wg_peers set deleted_at = now() where id <> ${peer.id}`;
    const peer_ids = others.map((other) => other.id);
    assert.equal((await wgd.client.reconcile({ peer_ids })).removed.length, others.length);
  });
  await quiet("while drift of another peer is repaired", async () => {
    const other = await wgd.addPeer();
    await wgd.untilState(other, "applied");
    await wgd.wg("set", wgd.name, "peer", other.publicKey, "remove");
    await wgd.client.reconcile({});
    assert.ok((await wgd.dump()).peers.has(other.publicKey));
  });
  await quiet("while the daemon is killed and started again", async () => {
    await wgd.end("SIGKILL");
    await wgd.start();
  });
  await quiet("while the daemon is stopped in order and started again", async () => {
    assert.equal((await wgd.end("SIGTERM")).code, 0);
    await wgd.start();
  });
});
