import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";

/** One daemon for each step: what they share is only that it runs. */
Deno.test("the daemon: the interface follows the table", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  // No regular pass within this test: notifications, requests and the expiry timer are all there is.
  await using wgd = await TestDaemon.create(db, net, { env: { WGD_RECONCILE_INTERVAL: "1h" } });
  await wgd.start();
  const step = async (name: string, run: () => Promise<void>) => {
    assert.ok(await t.step(name, run), name);
  };
  const entries = (peerId: string) =>
    db.owner<{ action: string; actor: string }[]>`
      select action, actor from audit_log where peer_id = ${peerId}`;

  await step("publishes its interface: public key, addresses, pool", async () => {
    const [row] = await db.owner`
      select name, network::text, listen_port, endpoint, public_key,
        (select count(*)::int from wg_ip_pool) as pool from wg_interfaces where id = 1`;
    assert.deepEqual(row, {
      name: wgd.name,
      network: "10.10.0.0/24",
      listen_port: 51820,
      endpoint: "192.0.2.1:51820",
      public_key: (await wgd.dump()).publicKey,
      pool: 248,
    });
  });

  await step("has both addresses, and was up before anybody asked", async () => {
    const [link] = JSON.parse(await wgd.ip("-j", "address", "show", "dev", wgd.name));
    const addresses = link.addr_info.filter((found: { family: string }) => found.family === "inet")
      .map((found: { local: string; prefixlen: number }) => `${found.local}/${found.prefixlen}`);
    assert.deepEqual(addresses, ["10.10.0.1/24", "10.10.0.2/32"]);
    assert.ok(link.flags.includes("UP"));
    assert.equal(link.mtu, 1420);
  });

  await step("T2: an inserted peer is on the interface, and recorded, at once", async () => {
    const peer = await wgd.addPeer();
    // An hour before the next regular pass.
    await wgd.untilState(peer, "applied");
    const found = (await wgd.dump()).peers.get(peer.publicKey);
    assert.deepEqual(found?.allowedIps, [`${peer.address}/32`]);
    assert.equal(found?.presharedKey?.reveal(), peer.presharedKey?.reveal());
  });

  await step("T3: reconcile answers removed after the read-back; the address rests", async () => {
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
    await db.owner`update wg_peers set deleted_at = now() where id = ${peer.id}`;
    assert.deepEqual(await wgd.client.reconcile({ peer_ids: [peer.id] }), {
      applied: [],
      removed: [peer.id],
      absent: [],
      failed: [],
    });
    assert.equal((await wgd.dump()).peers.has(peer.publicKey), false);
    await until(
      "the tombstone is purged",
      async () => (await db.owner`select from wg_peers where id = ${peer.id}`).length === 0,
    );
    const [pool] = await db.owner<{ resting: boolean }[]>`
      select free_from > now() + interval '50 minutes' as resting from wg_ip_pool
      where address = ${peer.address}`;
    assert.equal(pool?.resting, true);
    assert.deepEqual([...await entries(peer.id)], [
      { action: "wireguard.peer_removed", actor: "daemon" },
    ]);
    // Asked again, the answer is the same.
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).removed, [peer.id]);
  });

  await step("disabling removes and keeps the row, enabling brings it back", async () => {
    const peer = await wgd.addPeer({ psk: false });
    await db.owner`update wg_peers set enabled = false where id = ${peer.id}`;
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).removed, [peer.id]);
    assert.equal((await wgd.status(peer))?.state, "removed");
    await db.owner`update wg_peers set enabled = true where id = ${peer.id}`;
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).applied, [peer.id]);
    assert.equal((await wgd.status(peer))?.state, "applied");
  });

  await step(
    "T3: rotation puts the new key in the old one's place, and purges the old",
    async () => {
      const peer = await wgd.addPeer({ psk: false });
      await wgd.untilState(peer, "applied");
      const next = (await wgd.net.run("server", ["sh", "-c", "wg genkey | wg pubkey"])).trim();
      await db.owner`update wg_peers set public_key = ${next} where id = ${peer.id}`;
      assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).applied, [peer.id]);
      const { peers } = await wgd.dump();
      assert.equal(peers.has(peer.publicKey), false);
      assert.deepEqual(peers.get(next)?.allowedIps, [`${peer.address}/32`]);
      await until(
        "the old key is purged",
        async () => (await db.owner`select from wg_retired_keys`).length === 0,
      );
    },
  );

  await step("T3: an inactive user and a suspended tenant lose the tunnel within 1 s", async () => {
    const [tenant] = await db.owner<{ id: number }[]>`
      insert into tenants (slug, name) values ('other', 'Other') returning id`;
    assert.ok(tenant);
    const [user] = await db.owner<{ id: number }[]>`
      insert into users (tenant_id, email, password_hash)
        values (${tenant.id}, 'a@example.org', '$argon2id$x') returning id`;
    assert.ok(user);
    const owned = await wgd.addPeer({ tenantId: tenant.id, userId: user.id });
    const machine = await wgd.addPeer({ tenantId: tenant.id });
    await Promise.all([wgd.untilState(owned, "applied"), wgd.untilState(machine, "applied")]);
    const gone = (key: string) =>
      until("the peer is gone", async () => !(await wgd.dump()).peers.has(key), {
        timeoutMs: 1000,
      });
    await db.owner`update users set status = 'inactive' where id = ${user.id}`;
    await gone(owned.publicKey);
    assert.ok((await wgd.dump()).peers.has(machine.publicKey));
    await db.owner`update tenants set status = 'suspended' where id = ${tenant.id}`;
    await gone(machine.publicKey);
    await db.owner`update tenants set status = 'active' where id = ${tenant.id}`;
    await wgd.untilState(machine, "applied");
  });

  await step("T3: an expired peer loses the tunnel within 1 s of its time", async () => {
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
    const expiresAt = await wgd.endIn(peer, 1500);
    const late = await wgd.goneAfter(peer, expiresAt);
    assert.ok(late >= 0 && late < 1000, `gone ${late} ms after its time`);
    await wgd.untilState(peer, "removed");
  });

  await step("a row with a key that does not open is held, and says why", async () => {
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
    await db.owner`update wg_peers set preshared_key = decode(repeat('00', 73), 'hex')
      where id = ${peer.id}`;
    const { failed } = await wgd.client.reconcile({ peer_ids: [peer.id] });
    assert.match(failed[0]?.error ?? "", /preshared key cannot be opened/);
    assert.equal((await wgd.status(peer))?.state, "held");
    await db.owner`update wg_peers set preshared_key = null where id = ${peer.id}`;
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).applied, [peer.id]);
    assert.equal((await wgd.dump()).peers.get(peer.publicKey)?.presharedKey, null);
  });

  await step("a row with a reserved address is held, and never applied", async () => {
    await db.superuser`insert into wg_ip_pool (interface_id, address) values (1, '10.10.0.2')`;
    const peer = await wgd.addPeer();
    await db.superuser`update wg_peers set address = '10.10.0.2' where id = ${peer.id}`;
    const { failed } = await wgd.client.reconcile({ peer_ids: [peer.id] });
    assert.match(failed[0]?.error ?? "", /its address is not one/);
    const all = [...(await wgd.dump()).peers.values()].flatMap((found) => found.allowedIps);
    assert.ok(!all.includes("10.10.0.2/32"));
    assert.equal((await wgd.client.status()).counts.held, 1);
    await db.owner`update wg_peers set deleted_at = now() where id = ${peer.id}`;
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).removed, [peer.id]);
  });

  await step("asked about one peer that was removed by hand, it looks and repairs", async () => {
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
    await wgd.wg("set", wgd.name, "peer", peer.publicKey, "remove");
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).applied, [peer.id]);
    assert.ok((await wgd.dump()).peers.has(peer.publicKey));
  });

  await step("many at once, with preshared keys: all of them, none left pending", async () => {
    const peers = await wgd.addPeers(150);
    await until("all are applied", async () => {
      const [row] = await db.owner<{ count: number }[]>`
        select count(*)::int from wg_peer_status where state = 'applied'
          and peer_id in ${db.owner(peers.map((peer) => peer.id))}`;
      return row?.count === peers.length;
    });
    const found = (await wgd.dump()).peers;
    for (const peer of peers) {
      assert.equal(
        found.get(peer.publicKey)?.presharedKey?.reveal(),
        peer.presharedKey?.reveal(),
      );
    }
    const { counts } = await wgd.client.status();
    assert.equal(counts.applied, counts.desired);
    assert.deepEqual([counts.failed, counts.held, counts.unexplained], [0, 0, 0]);
  });

  await step("T6: no secret and no key of a peer in its log", () => {
    const text = JSON.stringify(wgd.log);
    assert.ok(!/[A-Za-z0-9+/]{43}=/.test(text));
    return Promise.resolve();
  });
});
