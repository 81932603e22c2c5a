import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";

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

  await step("of a new peer", async () => {
    let fresh: string | undefined;
    await untold(async () => fresh = (await wgd.addPeer()).publicKey);
    await until("it is there", async () => (await keys()).has(fresh ?? ""), bound);
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
