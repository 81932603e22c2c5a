import assert from "node:assert/strict";
import { connect, type Sql } from "../../db/connection.ts";
import { addressPlan } from "../../lib/address.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { fillsPool, type PublishConfig, publishInterface } from "./publish.ts";

interface Host extends AsyncDisposable {
  config(change?: Partial<PublishConfig["interface"]>): PublishConfig;
}

async function host(): Promise<Host> {
  const folder = await Deno.makeTempDir();
  return {
    config: (change = {}) => ({
      keyFile: `${folder}/gateway.key`,
      interface: {
        id: 1,
        name: "wg0",
        plan: addressPlan("10.10.0.0/24"),
        listenPort: 51820,
        endpoint: "vpn.example.org:51820",
        mtu: 1420,
        addressRestSeconds: 3600,
        tenantShare: 50,
        ...change,
      },
    }),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("publishInterface: what stands in wg_interfaces, as the daemon's role", async (t) => {
  await using db = await testDatabase();
  await using here = await host();
  const sql: Sql = connect(db.url("massacorp_wgd"), { max: 4, applicationName: "test" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  const row = async () => {
    const [found] = await db.owner`select xmin::text, * from wg_interfaces where id = 1`;
    return found;
  };
  const { publicKey } = await publishInterface(sql, here.config());

  await t.step("the public key is published", async () => {
    assert.equal((await row())?.public_key, publicKey);
  });
  await t.step("the same again writes nothing, so that it notifies nobody", async () => {
    const before = await row();
    assert.equal((await publishInterface(sql, here.config())).publicKey, publicKey);
    assert.deepEqual(await row(), before);
  });
  await t.step("a changed setting is written, and a larger network fills the pool", async () => {
    await publishInterface(sql, here.config({ plan: addressPlan("10.10.0.0/23"), mtu: 1380 }));
    const [pool] = await db.owner<{ count: number }[]>`select count(*)::int from wg_ip_pool`;
    assert.deepEqual([(await row())?.mtu, pool?.count], [1380, 504]);
  });
  await t.step("a smaller network is refused in plain words", async () => {
    await assert.rejects(publishInterface(sql, here.config()), {
      name: "PublishError",
      message: /WG_NETWORK can only grow/,
    });
  });
  await t.step("IPv6 is published and taken back, and refused in plain words to move", async () => {
    const plan = (six?: string) => addressPlan("10.10.0.0/23", six);
    await publishInterface(sql, here.config({ plan: plan("fd00:1::/64") }));
    assert.equal((await row())?.network6, "fd00:1::/64");
    await assert.rejects(publishInterface(sql, here.config({ plan: plan("fd00:2::/64") })), {
      name: "PublishError",
      message: /WG_NETWORK6 does not move/,
    });
    await publishInterface(sql, here.config({ plan: plan() }));
    assert.equal((await row())?.network6, null);
  });
  await t.step("fillsPool: only where the network is new or another one", async () => {
    const grown = here.config({ plan: addressPlan("10.10.0.0/23") });
    assert.equal(await fillsPool(sql, grown), false);
    assert.equal(await fillsPool(sql, here.config({ plan: addressPlan("10.10.0.0/22") })), true);
    assert.equal(await fillsPool(sql, here.config({ id: 2 })), true);
  });
  await t.step("T6: another host's key is refused, and that host makes none", async () => {
    await using there = await host();
    const config = there.config({ plan: addressPlan("10.10.0.0/23") });
    await assert.rejects(publishInterface(sql, config), {
      name: "GatewayKeyError",
      message: /this host has no gateway key .*Restore that file/,
    });
    await assert.rejects(Deno.stat(config.keyFile));
  });
  await t.step("of two hosts that publish at once, one wins and the other is told", async () => {
    await db.owner`update wg_interfaces set public_key = null`;
    await using one = await host();
    await using two = await host();
    const plan = addressPlan("10.10.0.0/23");
    const outcomes = await Promise.allSettled(
      [one, two].map((each) => publishInterface(sql, each.config({ plan }))),
    );
    const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
    const lost = outcomes.filter((outcome) => outcome.status === "rejected");
    assert.deepEqual([won.length, lost.length], [1, 1]);
    assert.equal(lost[0]?.reason.name, "GatewayKeyError");
    assert.equal((await row())?.public_key, won[0]?.value.publicKey);
  });
});
