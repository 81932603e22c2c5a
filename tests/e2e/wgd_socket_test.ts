import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { peerOn, stack, tenantOn } from "../support/stack.ts";
import { keepAll } from "../support/output.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";

Deno.test("D2: the daemon's socket left behind, taken away, or without its folder: the API finds the daemon again by itself", async (t) => {
  await using made = await stack();
  const { daemon } = made;
  const { socket, socketFolder: folder } = daemon;
  await daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const created: string[] = [];
  const create = async () => {
    const { peer } = await peerOn(made, acme);
    created.push(peer.id);
    return peer.status as string;
  };
  const createdActive = () =>
    until("the API reaches the daemon", async () => await create() === "active");
  const isThere = () =>
    until("the socket is there", async () => (await Deno.lstat(socket)).isSocket);
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  await step("left behind by kill -9", async () => {
    assert.equal(await create(), "active");
    await daemon.end("SIGKILL");
    assert.ok((await Deno.lstat(socket)).isSocket);
    assert.equal(await create(), "pending");
    await daemon.start();
    await createdActive();
  });
  await step("taken away under the running daemon", async () => {
    await Deno.remove(socket);
    await isThere();
    await createdActive();
  });
  await step(
    "its folder taken away: the tunnel is kept, and the socket is back with it",
    async () => {
      // In one step: a daemon that puts its socket back meanwhile would be in the way.
      await Deno.rename(folder, `${folder}.gone`);
      await Deno.remove(`${folder}.gone`, { recursive: true });
      // Over a connection that is left, or from the database: the daemon hears of it.
      const { peer } = await peerOn(made, acme);
      created.push(peer.id);
      await until("it is applied", async () => (await daemon.dump()).peers.has(peer.public_key));
      await Deno.mkdir(folder);
      await isThere();
      await createdActive();
    },
  );
  await step(
    "its folder missing at the start: said in plain words, and nothing is touched",
    async () => {
      const before = (await daemon.dump()).peers.size;
      await daemon.end("SIGKILL");
      await Deno.remove(folder, { recursive: true });
      await daemon.start({ ready: false });
      assert.equal((await daemon.ended()).code, 1);
      assert.match(JSON.stringify(daemon.log.at(-1)), /the folder \S+ does not exist; make it/);
      assert.equal((await daemon.dump()).peers.size, before);
      await Deno.mkdir(folder);
      await daemon.start();
      await createdActive();
    },
  );
  await assertWhole(daemon, { created, audited: true });
});

Deno.test("D2: of daemons that are started at once on one interface one serves, whatever the first one left", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  /** Starts some at once, and ends when one alone is left. @returns that one, and what the others said */
  const race = async (count: number) => {
    const children = Array.from({ length: count }, () => wgd.spawn("wgd/main.ts"));
    const said: string[] = [];
    const ends = children.map(async (child) => {
      const { code, stdout } = await child.output();
      const text = new TextDecoder().decode(stdout);
      keepAll(text);
      assert.equal(code, 1);
      said.push(text);
      return child;
    });
    const left = new Set(children);
    for (const end of ends) void end.then((child) => left.delete(child), () => {});
    await until("the others ended", () => said.length === count - 1, { timeoutMs: 60_000 });
    const [winner] = left;
    assert.ok(winner);
    return {
      said,
      async kill() {
        winner.kill("SIGKILL");
        // It was to run on; that it was killed is no answer to that.
        await Promise.allSettled(ends);
        await winner.status;
      },
    };
  };
  const rounds = ["on a host that never had one", "after kill -9"];
  for (const round of rounds) {
    const passed = await t.step(round, async () => {
      const { said, kill } = await race(4);
      try {
        for (const words of said) assert.match(words, /another daemon serves/);
        await until("the daemon is ready", async () => (await wgd.client.status()).interface.up);
        const peer = await wgd.addPeer();
        await wgd.untilState(peer, "applied");
        await assertWhole(wgd, { created: [peer.id] });
      } finally {
        await kill();
      }
    });
    assert.ok(passed, round);
  }
  assert.equal((await db.owner`select from wg_interfaces`).length, 1);
});
