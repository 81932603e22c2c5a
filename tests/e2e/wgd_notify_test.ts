import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";
import { parseExposition, sampleOf } from "../support/exposition.ts";
import { percentile } from "../bench/measure.ts";

Deno.test("T2: a notification that is lost is made up for within 5 s", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  const [standing, going] = await wgd.addPeers(2);
  assert.ok(standing && going);
  await assertWhole(wgd);
  /** As if what is committed meanwhile had never been told to anybody. */
  const untold = async (change: () => Promise<unknown>) => {
    const switchAll = (how: "enable" | "disable") =>
      db.owner.unsafe(`
        alter table wg_peers ${how} trigger wg_peers_notify_insert;
        alter table wg_peers ${how} trigger wg_peers_notify_update;
        alter table tenants ${how} trigger tenants_notify_status`).simple();
    await switchAll("disable");
    await change();
    await switchAll("enable");
  };
  const bound = { timeoutMs: 5000 };
  const keys = async () => (await wgd.dump()).peers;
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  await step("of a new peer, and the daemon says that it took so long", async () => {
    const timed = async () =>
      sampleOf(
        parseExposition(await wgd.client.metrics()),
        "massacorp_wgd_commit_to_kernel_seconds_count",
      ) ?? 0;
    const before = await timed();
    let fresh: string | undefined;
    await untold(async () => fresh = (await wgd.addPeer()).publicKey);
    await until("it is there", async () => (await keys()).has(fresh ?? ""), bound);
    await until("it is timed", async () => await timed() === before + 1, bound);
  });
  await step("of a changed one", async () => {
    await untold(() =>
      db.owner`update wg_peers set preshared_key = null where id = ${standing.id}`
    );
    const key = async () => (await keys()).get(standing.publicKey)?.presharedKey;
    await until("it is changed", async () => await key() === null, bound);
  });
  await step("of a removed one", async () => {
    await untold(() => db.owner`update wg_peers set deleted_at = now() where id = ${going.id}`);
    await until("it is gone", async () => !(await keys()).has(going.publicKey), bound);
  });
  await step("of a suspended tenant", async () => {
    await untold(() => db.owner`update tenants set status = 'suspended'`);
    await until("all are gone", async () => (await keys()).size === 0, bound);
  });
  await assertWhole(wgd, { removed: [going.publicKey, standing.publicKey] });
});

/** Half of the daemon's usual interval: whoever waits for the next look at everything misses it. */
const promptMs = 500;

Deno.test("T2: two hundred lone changes are in the kernel by themselves, none waits for the next look at everything", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  // There is no such look within this test.
  await using wgd = await TestDaemon.create(db, net, { env: { WGD_RECONCILE_INTERVAL: "1h" } });
  await wgd.start();
  const peers = await wgd.addPeers(100);
  await assertWhole(wgd);
  const histogram = async () => {
    const read = parseExposition(await wgd.client.metrics());
    const value = (what: string, labels = {}) =>
      sampleOf(read, `massacorp_wgd_commit_to_kernel_seconds_${what}`, labels) ?? 0;
    return {
      count: value("count"),
      sum: value("sum"),
      prompt: value("bucket", { le: String(promptMs / 1000) }),
    };
  };
  const recorded = async (count: number) => {
    await until("the daemon has timed it", async () => (await histogram()).count >= count);
    return await histogram();
  };
  const inKernel = async (publicKey: string) =>
    (await wgd.wg("show", wgd.name, "peers")).includes(publicKey);
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const before = await recorded(peers.length);

  await step("each is there, or gone, and the daemon's own measure agrees", async () => {
    const took: number[] = [];
    /** The same without what the machine stood still. */
    const awake: number[] = [];
    using watch = stopwatch();
    for (const { id, publicKey } of peers) {
      for (const enabled of [false, true]) {
        const [start, stalledMs] = [performance.now(), watch.lost()];
        await db.owner`update wg_peers set enabled = ${enabled} where id = ${id}`;
        await until("it is in the kernel", async () => await inKernel(publicKey) === enabled, {
          everyMs: 1,
          timeoutMs: 10_000,
        });
        took.push(performance.now() - start);
        awake.push(performance.now() - start - (watch.lost() - stalledMs));
      }
    }
    const p99 = percentile(awake, 99);
    assert.ok(p99 < promptMs, `p99 from before the commit is ${p99} ms`);
    const after = await recorded(before.count + took.length);
    assert.equal(after.count - before.count, took.length, "each is timed once");
    const prompt = took.filter((ms) => ms < promptMs).length;
    assert.ok(after.prompt - before.prompt >= prompt - took.length / 100);
    const total = took.reduce((sum, ms) => sum + ms) / 1000;
    assert.ok(after.sum - before.sum <= total, "it begins and ends within what was seen from here");
  });
  await step("what a transaction does after the change is in that measure", async () => {
    const { count, sum } = await histogram();
    const [peer] = peers;
    assert.ok(peer);
    await db.owner.begin(async (tx) => {
      await tx`update wg_peers set enabled = false where id = ${peer.id}`;
      await tx`select pg_sleep(0.4)`;
    });
    const after = await recorded(count + 1);
    assert.equal(after.count, count + 1);
    assert.ok(after.sum - sum >= 0.4, `${after.sum - sum} s`);
  });
});
