import assert from "node:assert/strict";
import { tableName } from "../../wgd/interface/nft.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";

/** A `wg` that fails or hangs while a file of that name lies beside it. */
async function breakableWg(): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-programs-" });
  const script = `#!/bin/sh
[ ! -e ${folder}/fail ] || { echo "Unable to modify interface" >&2; exit 1; }
[ ! -e ${folder}/hang ] || exec sleep 60
exec /usr/bin/wg "$@"
`;
  await Deno.writeTextFile(`${folder}/wg`, script, { mode: 0o755 });
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

Deno.test("the daemon: a failing or hanging wg is said in plain words, and the next pass repairs", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using programs = await breakableWg();
  await using wgd = await TestDaemon.create(db, net, { programs: programs.folder });
  await wgd.start();
  const old = await wgd.addPeer();
  await wgd.untilState(old, "applied");
  for (const fault of ["fail", "hang"] as const) {
    const passed = await t.step(fault, async () => {
      await Deno.writeTextFile(`${programs.folder}/${fault}`, "");
      const peer = await wgd.addPeer();
      const { failed } = await wgd.client.reconcile({ peer_ids: [peer.id] });
      assert.deepEqual(failed.map((failure) => failure.peer_id), [peer.id]);
      const words = fault === "fail" ? /wg failed with exit code 1$/ : /wg did not answer in time/;
      assert.match(failed[0]?.error ?? "", words);
      await wgd.untilState(peer, "failed");
      assert.match((await wgd.status(peer))?.error ?? "", words);
      assert.match((await wgd.client.status()).last_error ?? "", words);
      // What was proven before is not called into question, and stays.
      assert.equal((await wgd.status(old))?.state, "applied");
      assert.ok((await wgd.dump()).peers.has(old.publicKey));

      await Deno.remove(`${programs.folder}/${fault}`);
      await wgd.untilState(peer, "applied");
      assert.equal((await wgd.client.status()).last_error, null);
    });
    assert.ok(passed, fault);
  }
});

Deno.test("T3: a removal that wg refuses is answered as failed, not as removed", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using programs = await breakableWg();
  await using wgd = await TestDaemon.create(db, net, { programs: programs.folder });
  await wgd.start();
  const peer = await wgd.addPeer();
  await wgd.untilState(peer, "applied");
  await Deno.writeTextFile(`${programs.folder}/fail`, "");
  await db.owner`update wg_peers set deleted_at = now() where id = ${peer.id}`;
  const answer = await wgd.client.reconcile({ peer_ids: [peer.id] });
  assert.deepEqual([answer.removed, answer.failed.length], [[], 1]);
  assert.equal((await db.owner`select from wg_peers where id = ${peer.id}`).length, 1);
  await Deno.remove(`${programs.folder}/fail`);
  await until(
    "the tombstone is purged",
    async () => (await db.owner`select from wg_peers where id = ${peer.id}`).length === 0,
  );
  assert.equal((await wgd.dump()).peers.has(peer.publicKey), false);
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
});

Deno.test("the daemon: starts once an interface, on its own key, on its own interface, or says why not", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const refusal = async () => {
    const output = await wgd.spawn("wgd/main.ts").output();
    assert.equal(output.code, 1);
    return new TextDecoder().decode(output.stdout);
  };

  await step("a second one is refused, and the first goes on", async () => {
    assert.match(await refusal(), /another daemon serves/);
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
  });
  await step("wireguard-go killed: the interface is built anew", async () => {
    const { stdout } = await net.exec("server", [
      "sh",
      "-c",
      `pgrep -f "[w]ireguard-go -f ${wgd.name}$"`,
    ]);
    const pid = Number(stdout.trim());
    assert.ok(pid > 1);
    Deno.kill(pid, "SIGKILL");
    await until("all peers are back", async () => (await wgd.dump()).peers.size === 1, {
      timeoutMs: 5000,
    });
  });
  await step("T6: the host's key is missing: nothing is made in its place", async () => {
    await wgd.end();
    await Deno.rename(`${wgd.folder}/gateway.key`, `${wgd.folder}/kept`);
    const words = await refusal();
    assert.match(words, /this host has no gateway key/);
    assert.match(words, /Restore that file from a backup/);
    await assert.rejects(Deno.stat(`${wgd.folder}/gateway.key`));
    assert.equal((await wgd.dump()).peers.size, 1);
  });
  await step("T6: the host's key is another one", async () => {
    const other = await net.run("server", ["wg", "genkey"]);
    await Deno.writeTextFile(`${wgd.folder}/gateway.key`, other, { mode: 0o600 });
    assert.match(await refusal(), /is another one/);
    await Deno.rename(`${wgd.folder}/kept`, `${wgd.folder}/gateway.key`);
  });
  await step("down takes interface and firewall away, and only while no daemon runs", async () => {
    await wgd.start();
    assert.equal((await wgd.spawn("wgd/down.ts").output()).code, 1);
    await wgd.end();
    assert.ok(
      (await net.exec("server", ["nft", "list", "table", "inet", tableName(wgd.name)])).success,
    );
    assert.equal((await wgd.spawn("wgd/down.ts").output()).code, 0);
    assert.equal((await net.exec("server", ["ip", "link", "show", wgd.name])).success, false);
    assert.equal(await net.run("server", ["nft", "list", "ruleset"]), "");
    assert.equal((await wgd.spawn("wgd/down.ts").output()).code, 0, "twice is no error");
  });
  await step("an interface of that name that is no WireGuard is left alone", async () => {
    await wgd.ip("link", "add", wgd.name, "type", "bridge");
    await wgd.start({ ready: false });
    await until("it says so", async () => {
      const { last_error } = await wgd.client.status();
      return /is not WireGuard/.test(JSON.stringify(wgd.log)) && last_error !== null;
    });
    const [link] = JSON.parse(await wgd.ip("-j", "address", "show", "dev", wgd.name));
    assert.deepEqual(link.addr_info, []);
    await wgd.ip("link", "delete", wgd.name);
    await until(
      "it comes up once the name is free",
      async () => (await wgd.dump()).peers.size === 1,
    );
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
  await db.superuser`select pg_terminate_backend(${victim.pid})`;
  const meanwhile = await wgd.addPeer();
  await wgd.untilState(meanwhile, "applied");
  await until("it listens again", async () => {
    const [row] = await listeners();
    return row !== undefined && row.pid !== victim.pid;
  });
  const later = await wgd.addPeer();
  await wgd.untilState(later, "applied");
});
