import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { movedClock } from "../support/faketime.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";

const minute = 60_000;
const hour = 60 * minute;

Deno.test("T8: a clock set back revives nobody: not in the running daemon, not after kill -9, not with the database up", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using clock = await movedClock();
  await using wgd = await TestDaemon.create(db, net, {
    // What happens is by the order of this test, or by the daemon's timers of expiry.
    env: { WGD_RECONCILE_INTERVAL: "1h", ...clock.env },
  });
  await wgd.start();
  const begin = clock.now();
  const peer = await wgd.addPeer();
  const guest = await wgd.addPeer({ expiresAt: new Date(begin + hour) });
  const later = await wgd.addPeer({ expiresAt: new Date(begin + 6 * hour) });
  for (const each of [peer, guest, later]) await wgd.untilState(each, "applied");
  const there = async () => {
    const { peers } = await wgd.dump();
    return [peer, guest, later].map(({ publicKey }) => peers.has(publicKey));
  };
  const behind = async () =>
    Number(/^massacorp_wgd_clock_behind_seconds (.*)$/m.exec(await wgd.client.metrics())?.[1]);
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  await step("an expiry that the clock passed, and then has before it again", async () => {
    assert.deepEqual(await there(), [true, true, true]);
    // Nothing that is written anyhow brings the new time to the disk.
    await until("all is written", async () => {
      return /snapshot_current 1$/m.test(await wgd.client.metrics());
    });
    await clock.set(3_601);
    await wgd.client.reconcile({});
    assert.deepEqual(await there(), [true, false, true]);
    await clock.set(-7_200);
    await wgd.client.reconcile({});
    await wgd.client.reconcile({ peer_ids: [guest.id] });
    assert.deepEqual(await there(), [true, false, true]);
    assert.ok(await behind() > 10_800, `the daemon's own clock was moved: ${await behind()}`);
  });
  await step("killed, and started with the clock that far back", async () => {
    await wgd.end("SIGKILL");
    await wgd.start();
    await wgd.client.reconcile({});
    await wgd.client.reconcile({ peer_ids: [guest.id] });
    assert.deepEqual(await there(), [true, false, true]);
    assert.ok(
      wgd.log.some(({ message }) => message.includes("the clock is behind the highest time seen")),
    );
    assert.ok(await behind() > 10_700, `${await behind()} s`);
  });
  await step(
    "nor does anybody live longer: a guest goes when what he had left went by",
    async () => {
      const left = 3_000;
      const soon = await wgd.addPeer();
      await wgd.untilState(soon, "applied");
      const set = performance.now();
      const expiresAt = new Date(clock.now() + await behind() * 1000 + left);
      await db.owner`update wg_peers set expires_at = ${expiresAt} where id = ${soon.id}`;
      // By the daemon's own timer; by the clock, it would be hours.
      await until("it is gone", async () => !(await wgd.dump()).peers.has(soon.publicKey));
      const lived = performance.now() - set;
      assert.ok(lived > left - 500, `gone after ${lived} ms, not ${left}`);
      assert.ok(
        expiresAt.getTime() - clock.now() > 2 * hour,
        "the clock is before that time still",
      );
    },
  );
  await step("what has not expired yet stays, and expires in its time", async () => {
    assert.deepEqual(await there(), [true, false, true]);
    await clock.set(6 * 3_600 + 1);
    await wgd.client.reconcile({});
    assert.deepEqual(await there(), [true, false, false]);
  });
});
