import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces, uniqueInterface } from "../support/netns.ts";
import { breakablePrograms } from "../support/programs.ts";
import { until } from "../support/until.ts";
import { isEchoed } from "../support/tunnel_lab.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";

const roomy = { WG_NETWORK: "10.10.0.0/21" };

/** Changes peers in all three ways, for one batch of hundreds. */
async function changeAtOnce(
  wgd: TestDaemon,
  { changed, going, fresh }: { changed: TestPeer[]; going: TestPeer[]; fresh: number },
): Promise<TestPeer[]> {
  const ids = (peers: TestPeer[]) => JSON.stringify(peers.map(({ id }) => id));
  const among = (peers: TestPeer[]) =>
    wgd.db.owner`select jsonb_array_elements_text(${ids(peers)}::text::jsonb)::uuid`;
  await wgd.db.owner.begin((tx) => [
    tx`update wg_peers set preshared_key = null where id in (${among(changed)})`,
    tx`update wg_peers set deleted_at = now() where id in (${among(going)})`,
  ]);
  return await wgd.addPeers(fresh);
}

Deno.test("D2: kill -9 of the daemon in mid-batch: after its restart the interface equals the table", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using programs = await breakablePrograms();
  await using wgd = await TestDaemon.create(db, net, { env: roomy, programs: programs.folder });
  await wgd.start();
  let standing = await wgd.addPeers(400);
  await assertWhole(wgd);
  const created = new Set(standing.map(({ id }) => id));
  const removed = new Set<string>();
  const points = [
    ...["set before", "set after", "addconf before", "addconf half", "addconf after"] as const,
    "once it was recorded",
  ] as const;
  for (const point of points) {
    const passed = await t.step(point, async () => {
      if (point !== "once it was recorded") await programs.at(point, "kill -9 $PPID; exit 1");
      const [changed, going] = [standing.slice(0, 150), standing.slice(150, 300)];
      const { tenantId } = going[0] ?? assert.fail();
      const fresh = await changeAtOnce(wgd, { changed, going, fresh: 150 });
      const said = wgd.client.reconcile({ peer_ids: going.map(({ id }) => id) })
        .then((answer) => answer.removed, () => []);
      if (point === "once it was recorded") {
        await until("a status is there", async () => {
          const [row] = await db.owner`select from wg_peer_status
            where tenant_id = ${tenantId} and peer_id = ${fresh[149]?.id ?? ""}`;
          return row !== undefined;
        }, { everyMs: 1 });
        await wgd.end("SIGKILL");
      } else {
        assert.equal((await wgd.ended()).signal, "SIGKILL");
      }
      // What was said before it died holds.
      const told = new Set(await said);
      for (const peer of going) {
        if (told.has(peer.id)) removed.add(peer.publicKey);
        created.delete(peer.id);
      }
      for (const { id } of fresh) created.add(id);
      standing = [...standing.slice(300), ...changed, ...fresh];
      await wgd.start();
      await assertWhole(wgd, { created, removed });
    });
    assert.ok(passed, point);
  }
});

Deno.test("T2: wg killed in the middle of a file of hundreds: what it wrote stays, the next pass does the rest", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using programs = await breakablePrograms();
  await using wgd = await TestDaemon.create(db, net, { env: roomy, programs: programs.folder });
  await wgd.start();
  await programs.break("cut");
  // So many that the passes of a slow machine, each of which writes a hundred, are not done before anybody looks.
  const peers = await wgd.addPeers(1_000);
  const { applied, failed } = await wgd.client.reconcile({ peer_ids: peers.map(({ id }) => id) });
  const there = (await wgd.dump()).peers.size;
  assert.ok(there > 0 && there < peers.length, `${there} were written`);
  assert.equal(applied.length + failed.length, peers.length);
  // No answer claims more than the interface shows.
  const { peers: found } = await wgd.dump();
  const key = new Map(peers.map((peer) => [peer.id, peer.publicKey]));
  for (const id of applied) assert.ok(found.has(key.get(id) ?? ""));
  for (const { error } of failed) assert.match(error, /wg failed with exit code 137/);
  await programs.mend("cut");
  await assertWhole(wgd, { created: key.keys() });
});

Deno.test("T2: the interface renamed while hundreds are applied, and while no daemon runs, gets its name back with all its peers; deleted, it is made anew", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server", "client");
  await using programs = await breakablePrograms();
  await using wgd = await TestDaemon.create(db, net, { env: roomy, programs: programs.folder });
  await wgd.start();
  const peer = await wgd.addPeer();
  await wgd.untilState(peer, "applied");
  await wgd.connect("client", peer);
  const ping = () => isEchoed(net, "client", { address: "10.10.0.1", must: true });
  await until("the tunnel carries packets", ping, { timeoutMs: 60_000 });
  const other = uniqueInterface();
  const index = async (name: string) => JSON.parse(await wgd.ip("-j", "link", "show", name))[0];
  const { ifindex } = await index(wgd.name);
  const handshake = async () => (await wgd.dump()).peers.get(peer.publicKey)?.latestHandshake;
  const before = await handshake();
  const hasItsName = () =>
    until("it has its name", async () => (await index(wgd.name)).ifindex === ifindex, {
      timeoutMs: 5000,
    });
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  for (const moment of ["addconf before", "addconf half", "addconf after"] as const) {
    await step(moment, async () => {
      // Of its other name nobody may see anything, so soon is it called back.
      const mark = `${programs.folder}/renamed`;
      await programs.at(moment, `ip link set ${wgd.name} name ${other} && touch ${mark}`);
      const peers = await wgd.addPeers(300);
      await until("it is renamed", () => Deno.stat(mark).then(() => true));
      await Deno.remove(mark);
      await hasItsName();
      await assertWhole(wgd, { created: peers.map(({ id }) => id) });
    });
  }
  await step("while no daemon runs", async () => {
    await wgd.end("SIGKILL");
    await wgd.ip("link", "set", wgd.name, "name", other);
    await wgd.start();
    await hasItsName();
    await assertWhole(wgd);
  });
  // The same interface, the same session: nothing was made anew, but what its client does when it is 120 s old.
  const age = (await handshake() ?? 0) - (before ?? 0);
  assert.ok(age === 0 || age >= 120, `the session was made anew after ${age} s`);
  assert.ok(await ping());
  await step("deleted half-way: it is made anew with all its peers", async () => {
    await programs.at("addconf half", `ip link delete ${wgd.name}`);
    const peers = await wgd.addPeers(300);
    await until("it is another one", async () => (await index(wgd.name)).ifindex !== ifindex, {
      everyMs: 1,
    });
    await assertWhole(wgd, { created: peers.map(({ id }) => id) });
  });
});
