import assert from "node:assert/strict";
import { createLogger } from "../../lib/log.ts";
import { type RunProcess, runProcess } from "../../lib/process.ts";
import { loadConfig } from "../../wgd/config.ts";
import { createDaemon, type Daemon } from "../../wgd/daemon.ts";
import { FakeClock } from "../support/clock.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";

const hour = 3_600_000;
const minute = 60_000;

Deno.test("T8: a clock set back revives nobody: not in the running daemon, not after kill -9, not with the database up", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  // The interface is made by a real process; the daemon whose clock is moved runs in this one.
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  const begin = Date.now();
  const peer = await wgd.addPeer();
  const guest = await wgd.addPeer({ expiresAt: new Date(begin + hour) });
  const soon = await wgd.addPeer({ expiresAt: new Date(begin + hour + 10 * minute) });
  const later = await wgd.addPeer({ expiresAt: new Date(begin + 6 * hour) });
  for (const each of [peer, guest, soon, later]) await wgd.untilState(each, "applied");
  await wgd.end();

  const clock = new FakeClock();
  const log: string[] = [];
  const inside: RunProcess = (program, args, options) => {
    const path = `PATH=${Deno.env.get("PATH")}`;
    const [first = "", ...rest] = net.argv("server", ["env", path, program, ...args]);
    return runProcess(first, rest, options);
  };
  const start = async () => {
    const daemon = createDaemon(loadConfig({ ...wgd.env, WGD_RECONCILE_INTERVAL: "1h" }), {
      run: inside,
      log: createLogger({ level: "debug", clock, write: (line) => log.push(line) }),
      clock,
    });
    await daemon.start();
    assert.equal(daemon.status().last_error, null);
    return daemon;
  };
  const there = async () => {
    const { peers } = await wgd.dump();
    return [peer, guest, soon, later].map(({ publicKey }) => peers.has(publicKey));
  };
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  let daemon: Daemon = await start();
  const snapshot = `${wgd.folder}/snapshot`;
  let kept = await Deno.readFile(snapshot);
  try {
    await step("an expiry that the clock passed, and then has before it again", async () => {
      assert.deepEqual(await there(), [true, true, true, true]);
      // Nothing that is written anyhow brings the new time to the disk.
      await until("all is written", () => /snapshot_current 1$/m.test(daemon.metrics()));
      clock.advance(hour + 1);
      await daemon.reconcile("all");
      assert.deepEqual(await there(), [true, false, true, true]);
      kept = await Deno.readFile(snapshot);
      clock.set(-2 * hour);
      await daemon.reconcile("all");
      await daemon.reconcile([guest.id]);
      assert.deepEqual(await there(), [true, false, true, true]);
    });
    await step("killed right after it was told that the guest is gone", async () => {
      // What kill -9 leaves: the file as it was when the removal was told, and not what an orderly end writes.
      await daemon.stop();
      await Deno.writeFile(snapshot, kept);
      daemon = await start();
      await daemon.reconcile("all");
      assert.deepEqual(await there(), [true, false, true, true]);
      assert.ok(log.some((line) => line.includes("the clock is behind the highest time seen")));
    });
    await step(
      "nor does anybody live longer: a guest goes when what it had left went by",
      async () => {
        clock.advance(10 * minute - 300);
        await daemon.reconcile("all");
        assert.deepEqual(await there(), [true, false, true, true]);
        clock.advance(300);
        // By the daemon's own timer.
        const gone = async () => (await there()).join() === "true,false,false,true";
        await until("it is gone", gone, { timeoutMs: 5000 });
        assert.ok(begin + hour - clock.now() > 30 * minute, "the clock is before that time still");
        assert.match(daemon.metrics(), /^massacorp_wgd_clock_behind_seconds [1-9]\d{3}/m);
      },
    );
    await step("what has not expired yet stays, and expires in its time", async () => {
      clock.advance(8 * hour);
      await until("it is gone", async () => {
        await daemon.reconcile("all");
        return (await there()).join() === "true,false,false,false";
      });
    });
  } finally {
    await daemon.stop();
  }
});
