import assert from "node:assert/strict";
import { adminOf, type TestApi, testApi, userOf } from "../../../tests/support/api.ts";
import { seedPeers } from "../../../tests/support/peer_rows.ts";

/** Numbers of the statuses that the tenant's peers show, one by one. */
async function shown(api: TestApi, tenant: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const next: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const { body } = await api.request(`/api/v1/wireguard/peers?limit=200${next}`, { tenant });
    for (const { status } of body.items) counts.set(status, (counts.get(status) ?? 0) + 1);
    cursor = body.next_cursor;
  }
  return counts;
}

Deno.test("status: counts in the database what the peers show one by one, over random rows", async (t) => {
  await using api = await testApi({ network: "10.10.0.0/22" });
  const { owner } = api.db;
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const beta = await adminOf(api, "beta");
  const seed = (of: typeof acme, userIds: number[], count: number, seed: number) =>
    seedPeers(owner, { tenantId: of.tenantId, userIds, count, seed, now: api.clock.now() });
  await seed(acme, [acme.userId, bob.userId], 400, 7);
  await seed(beta, [beta.userId], 30, 8);
  const compare = async () => {
    const views = await shown(api, "acme");
    const of = (status: string) => views.get(status) ?? 0;
    const { body } = await api.request("/api/v1/wireguard/status", { tenant: "acme" });
    assert.deepEqual(body.peers, {
      total: 400,
      desired: of("active") + of("pending"),
      applied: of("active"),
      pending: of("pending"),
      revoking: of("revoking"),
    });
    return views;
  };
  await t.step("as they are", async () => {
    assert.deepEqual([...(await compare()).keys()].sort(), [
      "active",
      "disabled",
      "expired",
      "pending",
      "revoking",
    ]);
  });
  await t.step("with an inactive owner", async () => {
    const before = await compare();
    await owner`update users set status = 'inactive' where id = ${bob.userId}`;
    const after = await compare();
    assert.ok((after.get("active") ?? 0) < (before.get("active") ?? 0));
  });
  await t.step("of a suspended tenant", async () => {
    await owner`update tenants set status = 'suspended' where id = ${acme.tenantId}`;
    assert.equal((await compare()).get("active"), undefined);
  });
  await t.step("of a tenant without peers", async () => {
    await adminOf(api, "empty");
    const { body } = await api.request("/api/v1/wireguard/status", { tenant: "empty" });
    assert.deepEqual(body.peers, { total: 0, desired: 0, applied: 0, pending: 0, revoking: 0 });
  });
});

Deno.test("pool: a tenant is told its own numbers, and nothing of them moves with what others do", async (t) => {
  await using api = await testApi({ network: "10.10.0.0/26" });
  const acme = await adminOf(api, "acme");
  const beta = await adminOf(api, "beta");
  const pool = async (who?: typeof acme) => {
    const reply = await api.request("/api/v1/wireguard/pool", who ? { token: who.token } : {});
    assert.equal(reply.status, 200, reply.text);
    return reply.body;
  };
  const make = async (who: typeof acme, times: number) => {
    const ids: string[] = [];
    for (let n = 0; n < times; n++) {
      const { status, body } = await api.request("/api/v1/wireguard/peers", {
        token: who.token,
        body: { name: "x", preshared_key: false },
      });
      assert.equal(status, 201);
      ids.push(body.peer.id);
    }
    return ids;
  };
  const purge = async (id: string) => {
    await api.db.owner`update wg_peers set deleted_at = now() where id = ${id}`;
    await api.db.owner`delete from wg_peers where id = ${id}`;
  };
  const whole = { gateway_id: 1, network: "10.10.0.0/26", size: 56 };

  await t.step("an empty pool: each has its share, the operator sees the whole", async () => {
    const share = { ...whole, used: 0, resting: 0, free: 28, quota: 28 };
    assert.deepEqual(await pool(acme), share);
    assert.deepEqual(await pool(beta), share);
    assert.deepEqual(await pool(), { ...whole, used: 0, resting: 0, free: 56, quota: null });
  });
  await t.step("what one holds, releases and lets rest counts for it alone", async () => {
    const before = await pool(beta);
    const [first] = await make(acme, 3);
    await purge(first ?? "");
    assert.deepEqual(await pool(acme), { ...whole, used: 2, resting: 1, free: 25, quota: 28 });
    assert.deepEqual(await pool(beta), before);
    assert.deepEqual(await pool(), { ...whole, used: 2, resting: 1, free: 53, quota: null });
  });
  await t.step("free is what can be taken, by the quota or by what others left", async () => {
    await api.db.owner`update tenants set peer_quota = 2 where id = ${beta.tenantId}`;
    assert.equal((await pool(beta)).free, 2);
    await api.db.owner`update tenants set peer_quota = 1000 where id = ${beta.tenantId}`;
    assert.equal((await pool(beta)).free, 53);
    await api.db.owner`update tenants set peer_quota = 1 where id = ${acme.tenantId}`;
    assert.equal((await pool(acme)).free, 0);
  });
});

Deno.test("pool: before the first daemon there is none", async () => {
  await using api = await testApi({ gateway: false });
  const acme = await adminOf(api, "acme");
  for (const options of [{ token: acme.token }, {}]) {
    const reply = await api.request("/api/v1/wireguard/pool", options);
    assert.equal(reply.status, 503);
    assert.equal(reply.body.code, "gateway_not_ready");
  }
});
