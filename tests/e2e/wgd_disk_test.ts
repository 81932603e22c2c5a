import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { losingDisk, mountImage, smallDisk, type TestDisk } from "../support/disk.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";

/** More than can be noted as removed in a snapshot before it has to be written anew. */
const many = 1030;

/** A daemon whose snapshot is on a disk of its own, and whose database can be out of reach. */
async function daemonOn<D extends TestDisk>(
  makeDisk: (folder: string) => Promise<D>,
  t: Deno.TestContext,
  test: (made: {
    wgd: TestDaemon;
    folder: string;
    keys(): Promise<string[]>;
    written(): Promise<unknown>;
    startWithout(): Promise<void>;
    restart(): Promise<void>;
    step(name: string, run: () => Promise<void>): Promise<void>;
  }, disk: D) => Promise<void>,
): Promise<void> {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  const env: Record<string, string> = { WG_NETWORK: "10.10.0.0/20" };
  await using wgd = await TestDaemon.create(db, net, { env });
  const folder = `${wgd.folder}/disk`;
  await using disk = await makeDisk(folder);
  env.WG_KEY_FILE = `${folder}/gateway.key`;
  await wgd.start();
  await test({
    wgd,
    folder,
    keys: async () => [...(await wgd.dump()).peers.keys()].sort(),
    /** Everything that was read is on the disk. */
    written: () =>
      until("the snapshot is written", async () => {
        return /snapshot_current 1$/m.test(await wgd.client.metrics());
      }, { timeoutMs: 60_000 }),
    /** As after a reboot, where PostgreSQL does not come up. */
    async startWithout() {
      const url = new URL(wgd.env.WGD_DATABASE_URL ?? "");
      url.searchParams.set("host", wgd.folder);
      env.WGD_DATABASE_URL = url.href;
      await wgd.start({ ready: false });
      delete env.WGD_DATABASE_URL;
      await until("it is up", async () => {
        const { interface: { up }, last_reconcile_at } = await wgd.client.status();
        return up && last_reconcile_at !== null;
      });
    },
    async restart() {
      await wgd.end("SIGKILL");
      await wgd.start();
    },
    step: async (name, run) => assert.ok(await t.step(name, run), name),
  }, disk);
}

const keysOf = (peers: TestPeer[]) => peers.map(({ publicKey }) => publicKey).sort();
/** Only what differs: of a thousand keys nobody reads. */
function assertKeys(found: string[], expected: string[]): void {
  const [there, wanted] = [new Set(found), new Set(expected)];
  const extra = [...there.difference(wanted)].slice(0, 5);
  const missing = [...wanted.difference(there)].slice(0, 5);
  assert.deepEqual({ extra, missing }, { extra: [], missing: [] });
}

const idsOf = (peers: TestPeer[]) => peers.map(({ id }) => id);

async function remove(wgd: TestDaemon, peers: TestPeer[]): Promise<void> {
  await wgd.db.owner`
    update wg_peers set deleted_at = now()
      where id in (select jsonb_array_elements_text(${
    JSON.stringify(idsOf(peers))
  }::text::jsonb)::uuid)`;
}

Deno.test("T3, T8: a full disk under the snapshot, and one that cannot be written at all: nothing that was told to be gone comes back", async (t) => {
  await daemonOn((folder) => smallDisk(folder, { kilobytes: 2048 }), t, async (made, disk) => {
    const { wgd, keys, written, startWithout, restart, step } = made;
    const snapshot = async () => (await wgd.client.status()).snapshot;
    const all = await wgd.addPeers(many);
    const [first, second, ...others] = all;
    assert.ok(first && second);
    await assertWhole(wgd);
    await written();

    await step("full: a removal is noted in the place that was kept for it", async () => {
      await disk.fill();
      await remove(wgd, [first]);
      const { removed } = await wgd.client.reconcile({ peer_ids: [first.id] });
      assert.deepEqual(removed, [first.id]);
      await wgd.crashHost();
      await startWithout();
      assertKeys(await keys(), keysOf([second, ...others]));
      await restart();
    });
    await step("full: what is added is applied, and that it is not kept is said", async () => {
      const fresh = await wgd.addPeer();
      await wgd.untilState(fresh, "applied");
      await until("it is said", async () => /No space left/.test((await snapshot()).error ?? ""));
      await remove(wgd, [second, fresh]);
      const { removed } = await wgd.client.reconcile({ peer_ids: [second.id, fresh.id] });
      assert.deepEqual(removed.sort(), [second.id, fresh.id].sort());
      await assertWhole(wgd, { removed: keysOf([first, second, fresh]) });
    });
    await step("full: what cannot be noted costs the snapshot, before it is told", async () => {
      await remove(wgd, others);
      await wgd.client.reconcile({});
      await until(
        "it is said",
        () => wgd.log.some(({ message }) => message.startsWith("the snapshot is given up")),
      );
      await wgd.crashHost();
      await startWithout();
      assertKeys(await keys(), []);
      await restart();
      await assertWhole(wgd, { removed: keysOf(all) });
    });
    const [last] = await wgd.addPeers(2);
    assert.ok(last);
    await wgd.untilState(last, "applied");
    await step("room again: it is written by itself", async () => {
      await disk.makeRoom();
      await until("it is written", async () => (await snapshot()).error === null);
      await written();
    });
    await step("read-only: a removal that a snapshot might undo has failed so far", async () => {
      await disk.readOnly(true);
      await remove(wgd, [last]);
      const { removed, failed } = await wgd.client.reconcile({ peer_ids: [last.id] });
      assert.deepEqual(removed, []);
      assert.match(failed[0]?.error ?? "", /a snapshot that might bring it back cannot be mended/);
      assert.ok(!(await keys()).includes(last.publicKey), "it is off the interface all the same");
      assert.equal((await wgd.db.owner`select from wg_peers where id = ${last.id}`).length, 1);
      await disk.readOnly(false);
      await assertWhole(wgd, { removed: [...keysOf(all), last.publicKey] });
    });
  });
});

Deno.test("T3, T8: of what was told to be gone nothing comes back after a power cut, whatever was not synced", async (t) => {
  const images: Record<string, string> = {};
  await daemonOn(losingDisk, t, async (made, disk) => {
    const { wgd, keys, folder, written, startWithout, step } = made;
    // At one moment: nothing is written while the image is copied.
    const cut = async (name: string) => {
      Deno.kill(wgd.pid, "SIGSTOP");
      images[name] = await disk.imageNow();
      Deno.kill(wgd.pid, "SIGCONT");
    };
    const [standing, one, ...others] = await wgd.addPeers(many + 2);
    assert.ok(standing && one);
    await assertWhole(wgd);
    await written();
    await remove(wgd, [one]);
    assert.deepEqual((await wgd.client.reconcile({ peer_ids: [one.id] })).removed, [one.id]);
    await cut("noted in place");
    await remove(wgd, others);
    await wgd.client.reconcile({});
    await cut("written anew");
    await assertWhole(wgd);
    const more = await wgd.addPeers(many);
    await assertWhole(wgd);
    await written();
    await disk.fill();
    await remove(wgd, more);
    await wgd.client.reconcile({});
    await cut("given up");

    const expected: Record<string, string[]> = {
      "noted in place": keysOf([standing, ...others]),
      "written anew": [standing.publicKey],
    };
    await wgd.crashHost();
    for (const [name, image] of Object.entries(images)) {
      await step(name, async () => {
        await using _afterwards = await mountImage(folder, image);
        await startWithout();
        // Given up, it leaves room, and may have been written anew by then.
        const found = await keys();
        assertKeys(found, expected[name] ?? found.filter((key) => key === standing.publicKey));
        await wgd.crashHost();
      });
    }
  });
});
