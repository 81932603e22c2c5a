import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { TestDaemon } from "../support/wgd.ts";

/** What only a kernel with WireGuard can show; the other files of the group `kernel` run elsewhere, too. */
Deno.test("the daemon: makes the interface in the kernel, and starts no wireguard-go", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  assert.equal((await wgd.client.status()).interface.backend, "kernel");
  const [link] = JSON.parse(await wgd.ip("-json", "-details", "link", "show", wgd.name));
  assert.equal(link.linkinfo.info_kind, "wireguard");
  const { code } = await net.exec("server", ["pgrep", "-f", `wireguard-go -f ${wgd.name}`]);
  assert.equal(code, 1);
});

Deno.test("down: a thousand peers are gone within 5 s", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net, { env: { WG_NETWORK: "10.10.0.0/20" } });
  await wgd.start();
  await wgd.addPeers(1000, { psk: false });
  await wgd.client.reconcile({});
  assert.equal((await wgd.dump()).peers.size, 1000);
  await wgd.end();
  const before = performance.now();
  assert.equal((await wgd.output("wgd/down.ts")).code, 0);
  const took = performance.now() - before;
  assert.equal((await net.exec("server", ["ip", "link", "show", wgd.name])).success, false);
  assert.ok(took < 5_000, `it took ${took} ms`);
});
