import assert from "node:assert/strict";
import { Secret } from "../../lib/secret.ts";
import { openSnapshotFile } from "../../wgd/snapshot/file.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";
import { killableDatabase } from "./wgd_killable_database.ts";

Deno.test("T8: after a reboot without its database", async (t) => {
  await using server = await killableDatabase();
  await using net = await namespaces("server", "client");
  await using wgd = await TestDaemon.create(server.db, net);
  const { db } = server;
  const path = `${wgd.folder}/snapshot`;
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const keys = async () => [...(await wgd.dump()).peers.keys()].sort();
  const place = async () => {
    const command = `wg pubkey < ${wgd.folder}/gateway.key`;
    return `1/${wgd.name}/${(await net.run("server", ["sh", "-c", command])).trim()}`;
  };
  const snapshot = async () => (await wgd.client.status()).snapshot;
  /** Everything that was read is on disk. */
  const written = () =>
    until("the snapshot is written", async () => {
      return /snapshot_current 1$/m.test(await wgd.client.metrics());
    });
  const startWithout = async () => {
    await wgd.start({ ready: false });
    await until("it is up", async () => (await wgd.client.status()).interface.up);
    await until("a pass was made", async () => (await wgd.client.status()).last_reconcile_at);
  };

  /** Whether the rules let tenants' peers beyond the API. */
  const isOpen = async () => {
    const map = ["list", "map", "inet", `massacorp_${wgd.name}`, "tenants4"];
    return (await net.run("server", ["nft", ...map])).includes("elements");
  };
  await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);

  await wgd.start();
  const [peer, disabled, deleted, rotated, late] = await wgd.addPeers(5);
  assert.ok(peer && disabled && deleted && rotated && late);
  const guest = await wgd.addPeer({ expiresAt: new Date(Date.now() + 4000) });
  await wgd.client.reconcile({});
  await wgd.connect("client", peer);
  await db.owner`
    insert into wg_policies (tenant_id, peer_to_peer) values (${await wgd.tenant()}, true)`;
  await until("the policy is in force", isOpen);
  await written();
  const old = await Deno.readFile(path);

  await step(
    "T3: nothing is back whose removal was acknowledged since it was written",
    async () => {
      await db.owner`update wg_peers set enabled = false where id = ${disabled.id}`;
      await db.owner`update wg_peers set deleted_at = now() where id = ${deleted.id}`;
      const fresh = (await net.run("server", ["sh", "-c", "wg genkey | wg pubkey"])).trim();
      await db.owner`update wg_peers set public_key = ${fresh}, preshared_key = null
      where id = ${rotated.id}`;
      await until("the guest is gone", async () => !(await keys()).includes(guest.publicKey));
      const peer_ids = [disabled.id, deleted.id, rotated.id];
      const { removed, applied } = await wgd.client.reconcile({ peer_ids });
      assert.deepEqual([removed.sort(), applied], [[disabled.id, deleted.id].sort(), [rotated.id]]);
      await wgd.crashHost();
      await server.kill();
      await startWithout();
      const expected = new Set([peer.publicKey, late.publicKey]);
      // Written anew meanwhile or not: the rotated peer is there with its new key or not at all.
      assert.deepEqual((await keys()).filter((key) => key !== fresh), [...expected].sort());
      assert.equal((await wgd.client.status()).database, "disconnected");
    },
  );
  await step("the peers of the snapshot are exact, and their tunnels carry packets", async () => {
    const found = (await wgd.dump()).peers.get(peer.publicKey);
    assert.deepEqual(found?.allowedIps, [`${peer.address}/32`]);
    assert.equal(found?.presharedKey?.reveal(), peer.presharedKey?.reveal());
    await until(
      "a ping is answered",
      async () => (await net.exec("client", ["ping", "-c", "1", "-W", "1", "10.10.0.1"])).success,
      { timeoutMs: 60_000 },
    );
    assert.equal(await isOpen(), false, "what tenants opened waits for the database");
    const { failed } = await wgd.client.reconcile({ peer_ids: [peer.id] });
    assert.equal(failed[0]?.error, "the database cannot be read");
  });
  await step("an expiry still cuts, and a clock set back revives nobody", async () => {
    await wgd.crashHost();
    // As if the daemon had seen a later time than the clock of this host shows now.
    const file = await openSnapshotFile({
      path,
      presharedSubkeys: [wgd.subkey],
      place: await place(),
    });
    const stored = await file.read();
    assert.ok(stored);
    const body = JSON.parse(new TextDecoder().decode(stored.body));
    const soon = Date.now() + 3600_000;
    body.peers = body.peers.filter((row: string[]) => !stored.struck.has(row[2] ?? ""));
    for (const row of body.peers) if (row[2] === late.publicKey) row[7] = soon;
    const put = (highestTime: number) =>
      file.write(new TextEncoder().encode(JSON.stringify({ ...body, highestTime })));
    await put(soon + 1);
    await startWithout();
    assert.equal((await keys()).includes(late.publicKey), false);
    assert.ok((await keys()).includes(peer.publicKey));
    await wgd.crashHost();
    // Time goes by from there.
    await put(soon - 600_000);
    await startWithout();
    assert.ok((await keys()).includes(late.publicKey), "only the time seen kept it away");
  });
  const flip = (at: number) => async () => {
    const bytes = old.slice();
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await Deno.writeFile(path, bytes);
    await Deno.chmod(path, 0o600);
  };
  const damages: [string, () => Promise<unknown>, RegExp][] = [
    ["cut off", () => Deno.truncate(path, 5000), /damaged or cut off/],
    ["empty", () => Deno.truncate(path), /damaged or cut off/],
    ["open to others", () => Deno.chmod(path, 0o644), /may be read by others/],
    ["of flipped bits in its body", flip(40), /is damaged, or of another/],
    ["of flipped bits where removals are noted", flip(old.length - 100), /removals are noted/],
    ["of another key", async () => {
      const other = new Secret(crypto.getRandomValues(new Uint8Array(32)));
      const file = await openSnapshotFile({
        path,
        presharedSubkeys: [other],
        place: await place(),
      });
      await file.write(new TextEncoder().encode("{}"));
    }, /is damaged, or of another/],
    ["a folder", async () => {
      await Deno.remove(path);
      await Deno.mkdir(path);
    }, /is not a file/],
  ];
  for (const [name, damage, words] of damages) {
    await step(`refused and said when it is ${name}; a live interface is not cleared`, async () => {
      const before = await keys();
      assert.ok(before.length > 0);
      await wgd.end("SIGKILL");
      await damage();
      await startWithout();
      assert.deepEqual(await keys(), before);
      assert.match((await snapshot()).error ?? "", words);
      assert.equal((await snapshot()).written_at, null);
    });
  }
  await step(
    "the database is back: the table decides, and the snapshot is good again",
    async () => {
      await server.start();
      await until(
        "it is connected",
        async () => (await wgd.client.status()).database === "connected",
      );
      await wgd.untilState(peer, "applied");
      // What is in the way is for whoever put it there to take away; it is said until then.
      await until(
        "it is said",
        async () => /cannot be written/.test((await snapshot()).error ?? ""),
      );
      await Deno.remove(path);
      await until("all is well", async () => (await snapshot()).error === null);
      await written();
      assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
      const rows = await db.owner<{ public_key: string }[]>`
      select public_key from wg_peers where enabled and coalesce(expires_at > now(), true)`;
      assert.deepEqual(await keys(), rows.map((row) => row.public_key).sort());
      await until("the policy is in force again", isOpen);
      await assertWhole(wgd, {
        removed: [disabled, deleted, rotated].map((gone) => gone.publicKey),
      });
    },
  );
});
