import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { breakablePrograms } from "../support/programs.ts";
import { until } from "../support/until.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";

Deno.test("the daemon: a failing or hanging wg is said in plain words, and the next pass repairs", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using programs = await breakablePrograms();
  await using wgd = await TestDaemon.create(db, net, {
    programs: programs.folder,
    env: { WGD_COMMAND_TIMEOUT: "1s" },
  });
  await wgd.start();
  const old = await wgd.addPeer();
  await wgd.untilState(old, "applied");
  for (const fault of ["fail", "hang"] as const) {
    const passed = await t.step(fault, async () => {
      await programs.break(fault);
      const peer = await wgd.addPeer();
      const { failed } = await wgd.client.reconcile({ peer_ids: [peer.id] });
      assert.deepEqual(failed.map((failure) => failure.peer_id), [peer.id]);
      const words = fault === "fail" ? /wg failed with exit code 1/ : /wg did not answer in time/;
      assert.match(failed[0]?.error ?? "", words);
      await wgd.untilState(peer, "failed");
      assert.match((await wgd.status(peer))?.error ?? "", words);
      assert.match((await wgd.client.status()).last_error ?? "", words);
      // What was proven before is not called into question, and stays.
      assert.equal((await wgd.status(old))?.state, "applied");
      assert.ok((await wgd.dump()).peers.has(old.publicKey));

      await programs.mend(fault);
      await wgd.untilState(peer, "applied");
      assert.equal((await wgd.client.status()).last_error, null);
      await assertWhole(wgd, { created: [old.id, peer.id] });
    });
    assert.ok(passed, fault);
  }
});

Deno.test("T6: no secret in the arguments of wg, nor in what the daemon logs", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using programs = await breakablePrograms();
  await using wgd = await TestDaemon.create(db, net, { programs: programs.folder });
  await wgd.start();
  const peers = [await wgd.addPeer(), ...await wgd.addPeers(3)];
  await wgd.client.reconcile({});
  await wgd.wg("set", wgd.name, "peer", peers[0]?.publicKey ?? "", "preshared-key", "/dev/null");
  await net.run("server", ["sh", "-c", `wg genkey | wg set ${wgd.name} private-key /dev/stdin`]);
  await wgd.client.reconcile({});
  for (const peer of peers) await wgd.untilState(peer, "applied");
  const written = await programs.arguments();
  assert.match(written, /^set .* preshared-key \/dev\/stdin/m);
  assert.match(written, /^addconf /m);
  assert.match(written, /^set \S+ private-key \/dev\/stdin$/m);
  const said = written + JSON.stringify(wgd.log);
  const secrets = [
    (await Deno.readTextFile(`${wgd.folder}/gateway.key`)).trim(),
    ...peers.map((peer) => peer.presharedKey?.reveal() ?? assert.fail()),
  ];
  for (const secret of secrets) assert.ok(!said.includes(secret));
});

Deno.test("T3: a removal that wg refuses is answered as failed, not as removed", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using programs = await breakablePrograms();
  await using wgd = await TestDaemon.create(db, net, { programs: programs.folder });
  await wgd.start();
  const peer = await wgd.addPeer();
  await wgd.untilState(peer, "applied");
  await programs.break("refuse");
  await db.owner`update wg_peers set deleted_at = now() where id = ${peer.id}`;
  const answer = await wgd.client.reconcile({ peer_ids: [peer.id] });
  assert.deepEqual(answer, {
    applied: [],
    removed: [],
    absent: [],
    failed: [{
      peer_id: peer.id,
      error: "the peer is still on the interface: wg failed with exit code 1",
    }],
  });
  assert.equal((await db.owner`select from wg_peers where id = ${peer.id}`).length, 1);
  // Nor is one that was added by hand called repaired before it is gone, and then once.
  await db
    .owner`insert into tenants (slug, name, is_platform) values ('platform', 'Platform', true)`;
  const added = (await net.run("server", ["sh", "-c", "wg genkey | wg pubkey"])).trim();
  await wgd.wg("set", wgd.name, "peer", added);
  const repairs = async () =>
    (await db.owner`
      select from audit_log where action = 'wireguard.drift_repaired'
        and details->'public_keys' ? ${added}`).length;
  for (let pass = 0; pass < 2; pass++) await wgd.client.reconcile({});
  assert.ok((await wgd.dump()).peers.has(added));
  assert.equal(await repairs(), 0);
  assert.match(await wgd.client.metrics(), /drift_total\{kind="foreign"\} [1-9]/);
  await programs.mend("refuse");
  await until(
    "the tombstone is purged",
    async () => (await db.owner`select from wg_peers where id = ${peer.id}`).length === 0,
  );
  await until("the repair is audited", async () => await repairs() > 0);
  await wgd.client.reconcile({});
  assert.equal(await repairs(), 1);
  await assertWhole(wgd, { removed: [peer.publicKey] });
});

Deno.test("T1: no address before the firewall stands; while it cannot be mended, nobody new is let in", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using programs = await breakablePrograms();
  await using wgd = await TestDaemon.create(db, net, { programs: programs.folder });
  const addresses = async () => {
    const [link] = JSON.parse(await wgd.ip("-j", "address", "show", "dev", wgd.name));
    return link.addr_info.filter((found: { family: string }) => found.family === "inet").length;
  };
  const blocked = () => programs.break("nft-fail");
  const mended = () => programs.mend("nft-fail");
  await blocked();
  await wgd.start({ ready: false });
  await until("the interface was looked at", async () => (await wgd.client.status()).interface.up);
  assert.match(
    (await wgd.client.status()).last_error ?? "",
    /firewall could not be put right: nft/,
  );
  assert.equal(await addresses(), 0);

  await mended();
  await until("it has its addresses", async () => await addresses() === 2);
  const old = await wgd.addPeer();
  await wgd.untilState(old, "applied");

  await blocked();
  await net.run("server", ["nft", "flush", "ruleset"]);
  await wgd.client.reconcile({});
  const peer = await wgd.addPeer();
  const { failed } = await wgd.client.reconcile({ peer_ids: [peer.id] });
  assert.match(failed[0]?.error ?? "", /firewall rules are not in place/);
  assert.equal((await wgd.dump()).peers.has(peer.publicKey), false);
  await db.owner`update wg_peers set deleted_at = now() where id = ${old.id}`;
  assert.deepEqual((await wgd.client.reconcile({ peer_ids: [old.id] })).removed, [old.id]);
  await mended();
  await wgd.untilState(peer, "applied");
  await assertWhole(wgd, { created: [peer.id], removed: [old.publicKey] });
});

Deno.test("T7: keys whose rows vanished are held and reported; keys added by hand are not", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  const [kept, lost] = await wgd.addPeers(2);
  assert.ok(kept && lost);
  await Promise.all([wgd.untilState(kept, "applied"), wgd.untilState(lost, "applied")]);
  const keys = async () => [...(await wgd.dump()).peers.keys()].sort();
  const both = [kept.publicKey, lost.publicKey].sort();
  // Past every trigger, the way a damaged or restored table would lose rows.
  const vanish = (id: string | null) =>
    db.superuser.begin((tx) => [
      tx`set local session_replication_role = replica`,
      tx`delete from wg_peers where ${id}::uuid is null or id = ${id}`,
    ]);
  const addByHand = async () => {
    const key = (await net.run("server", ["sh", "-c", "wg genkey | wg pubkey"])).trim();
    await wgd.wg("set", wgd.name, "peer", key);
    return key;
  };
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const warnings = () => wgd.log.filter((line) => /has no row/.test(line.message));

  await step(
    "a row that vanished without a tombstone: its key stays, warned about once",
    async () => {
      await vanish(lost.id);
      await wgd.client.reconcile({});
      await wgd.client.reconcile({});
      assert.deepEqual(await keys(), both);
      assert.equal((await wgd.client.status()).counts.unexplained, 1);
      await until("it is said", () => warnings().length > 0);
      assert.deepEqual(warnings().map((line) => line.public_key), [lost.publicKey]);
      const { failed } = await wgd.client.reconcile({ peer_ids: [lost.id] });
      assert.match(failed[0]?.error ?? "", /vanished without a tombstone/);
      const view = await wgd.client.peers();
      assert.equal(view.find((peer) => peer.public_key === lost.publicKey)?.peer_id, null);
    },
  );
  await step("beside it, a key added by hand goes", async () => {
    await addByHand();
    await wgd.client.reconcile({});
    assert.deepEqual(await keys(), both);
  });
  await step("an empty table clears nothing, whoever added the key", async () => {
    await vanish(null);
    const added = await addByHand();
    await wgd.client.reconcile({});
    assert.deepEqual(await keys(), [...both, added].sort());
    assert.equal((await wgd.client.status()).counts.unexplained, 3);
  });
  await step("a daemon without memory holds what it finds", async () => {
    await wgd.end("SIGKILL");
    await Deno.remove(`${wgd.folder}/snapshot`);
    await wgd.start();
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
    await wgd.client.reconcile({});
    const { counts } = await wgd.client.status();
    assert.deepEqual([counts.unexplained, counts.applied], [3, 1]);
    assert.equal((await keys()).length, 4);
  });
  await step("and takes off what is added by hand from then on", async () => {
    const added = await addByHand();
    await until("it is gone", async () => !(await keys()).includes(added), { timeoutMs: 5000 });
    assert.equal((await keys()).length, 4);
  });
  let forgotten: TestPeer | undefined;
  await step(
    "its snapshot remembers: held keys stay, one added while it was down goes",
    async () => {
      const peer = await wgd.addPeer();
      await wgd.untilState(peer, "applied");
      await vanish(peer.id);
      await wgd.client.reconcile({});
      await until(
        "all is written",
        async () => /snapshot_current 1$/m.test(await wgd.client.metrics()),
      );
      const before = await keys();
      await wgd.end("SIGKILL");
      const added = await addByHand();
      await wgd.start();
      await until("it is gone", async () => !(await keys()).includes(added), { timeoutMs: 5000 });
      assert.ok(before.includes(peer.publicKey));
      assert.ok((await keys()).includes(peer.publicKey));
      const { failed } = await wgd.client.reconcile({ peer_ids: [peer.id] });
      assert.match(failed[0]?.error ?? "", /vanished without a tombstone/);
      forgotten = peer;
    },
  );
  await step("an operator decides: that key goes at once, and no other", async () => {
    const peer = forgotten ?? assert.fail();
    const others = (await keys()).filter((key) => key !== peer.publicKey);
    assert.ok(others.length > 1);
    const platform = connect(db.url("massacorp_platform"), { max: 1, applicationName: "test" });
    await platform`insert into wg_release_keys (interface_id, public_key)
      values (1, ${peer.publicKey})`;
    await platform.end();
    await until("it is gone", async () => !(await keys()).includes(peer.publicKey));
    assert.deepEqual(await keys(), others);
    await until(
      "the decision is used up",
      async () => (await db.owner`select from wg_release_keys`).length === 0,
    );
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [peer.id] })).removed, [peer.id]);
  });
  await step("a decision about a key that has a row does nothing", async () => {
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
    await db.owner`insert into wg_release_keys (interface_id, public_key)
      values (1, ${peer.publicKey})`;
    await until(
      "it is used up",
      async () => (await db.owner`select from wg_release_keys`).length === 0,
    );
    assert.ok((await keys()).includes(peer.publicKey));
  });
});

Deno.test("T2: notifications arrive again after the listening backend was killed", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  // No regular pass within this test: only what the database says moves the daemon.
  await using wgd = await TestDaemon.create(db, net, { env: { WGD_RECONCILE_INTERVAL: "1h" } });
  await wgd.start();
  const listeners = () =>
    db.superuser<{ pid: number }[]>`
      select pid from pg_stat_activity
        where datname = ${db.name} and application_name = 'massacorp-wgd-listen' and state = 'idle'`;
  const first = await wgd.addPeer();
  await wgd.untilState(first, "applied");
  const [victim] = await listeners();
  assert.ok(victim);
  // Whatever happens while nobody listens must not be lost either.
  await db.superuser`select pg_terminate_backend(${victim.pid}, 10000)`;
  const meanwhile = await wgd.addPeer();
  await wgd.untilState(meanwhile, "applied");
  await until("it listens again", async () => {
    const [row] = await listeners();
    return row !== undefined && row.pid !== victim.pid;
  });
  const later = await wgd.addPeer();
  await wgd.untilState(later, "applied");
  await assertWhole(wgd, { created: [first.id, meanwhile.id, later.id] });
});
