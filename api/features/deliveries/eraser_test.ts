import assert from "node:assert/strict";
import { createPeer, redeemDelivery } from "../../../tests/support/peer_calls.ts";
import { deliveryLifetimeMs } from "./token.ts";
import { createDeliveryEraser } from "./mod.ts";
import { adminOf, testApi } from "../../../tests/support/api.ts";
import { apiProcess } from "../../../tests/support/api_process.ts";
import { until } from "../../../tests/support/until.ts";

Deno.test("deliveries: what nobody fetched in time is erased by itself, in every tenant, and nothing else", async (t) => {
  const inProcess = "asks the eraser of this process";
  await using api = await testApi({ inProcess, env: { ACCESS_TOKEN_LIFETIME: "1h" } });
  const [acme, other] = [await adminOf(api, "acme"), await adminOf(api, "other")];
  const waiting = async () =>
    (await api.db.owner`select peer_id from wg_deliveries`).map((row) => row.peer_id).sort();
  const late = [];
  for (const who of [acme, acme, other]) {
    late.push(await createPeer(api, who, { delivery: "link" }));
  }
  api.clock.advance(deliveryLifetimeMs - 1);
  const inTime = await createPeer(api, acme, { delivery: "link" });
  const all = [...late, inTime].map(({ peer }) => peer.id).sort();
  const deliveryEraser = createDeliveryEraser(api.deps);

  await t.step("not before its end", async () => {
    assert.equal(await deliveryEraser.erase(), 0);
    assert.deepEqual(await waiting(), all);
  });
  await t.step("of all tenants, however many processes ask at once", async () => {
    api.clock.advance(1);
    const peers = await api.db.owner`select wg_peers::text from wg_peers order by id`;
    const counts = await Promise.all(Array.from({ length: 8 }, () => deliveryEraser.erase()));
    assert.equal(counts.reduce((sum, n) => sum + n), 3);
    assert.deepEqual(await waiting(), [inTime.peer.id]);
    assert.deepEqual(await api.db.owner`select wg_peers::text from wg_peers order by id`, peers);
    assert.equal((await redeemDelivery(api, { token: inTime.delivery.token })).status, 200);
  });
  await t.step("again and again, past a tenant whose rows do not go", async () => {
    const stuck = await createPeer(api, acme, { delivery: "link" });
    await createPeer(api, other, { delivery: "link" });
    await api.db.owner.unsafe(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'stuck'; end $$;
      create trigger refuse before delete on wg_deliveries for each row
        when (old.tenant_id = ${acme.tenantId}) execute function refuse()`);
    const eraser = createDeliveryEraser({ ...api.deps, everyMs: 20 });
    eraser.start();
    api.clock.advance(deliveryLifetimeMs);
    await until("the other tenant's is erased", async () => (await waiting()).length === 1);
    assert.deepEqual(await waiting(), [stuck.peer.id]);
    await until(
      "it is said",
      () => api.log.some((line) => line.includes("files that nobody fetched are not erased")),
    );
    await api.db.owner`drop trigger refuse on wg_deliveries`;
    await until("then its own", async () => (await waiting()).length === 0);
    await eraser.close();
  });
});

Deno.test("deliveries: an API that starts erases what ended while none ran", async () => {
  await using api = await testApi();
  await createPeer(api, await adminOf(api, "acme"), { delivery: "link" });
  await api.db.owner`
    update wg_deliveries set created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour'`;
  await using running = await apiProcess(api);
  await until(
    "it is erased",
    async () => (await api.db.owner`select from wg_deliveries`).length === 0,
    { timeoutMs: 60_000 },
  ).catch((cause) => {
    throw new Error(running.log.join("\n"), { cause });
  });
});
