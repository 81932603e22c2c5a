import assert from "node:assert/strict";
import { asTenantId } from "../../database/tenancy.ts";
import { adminOf, testApi, userOf } from "../../../tests/support/api.ts";
import { purgeTombstones } from "../../../tests/support/database.ts";
import { heldAddresses, livingGateway, readBackGone } from "../../../tests/support/gateways.ts";
import { movePeerRow } from "./store.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";

const path = "/api/v1/wireguard/peers";

Deno.test("move: N3: a quota holds no move back, and moving gets nobody more of any gateway", async (t) => {
  await using api = await testApi({ env: { WG_APPLY_TIMEOUT: "1" } });
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { token } = acme;
  await using _one = await livingGateway(api.db, { id: 1 });
  // 24 addresses, of which a tenant without a quota of its own may hold 12.
  await using _two = await livingGateway(api.db, { id: 2, network: "10.11.0.0/27" });
  const quota = (peers: number | null) =>
    api.db.owner`update tenants set peer_quota = ${peers} where id = ${acme.tenantId}`;
  const make = async (gateway_id: number, more: object = {}) => {
    const { status, body } = await api.request(path, {
      token,
      body: { name: "laptop", gateway_id, ...more },
    });
    return status === 201 ? body.peer : body;
  };
  const move = async (id: string, gateway_id: number) => {
    const { body } = await api.request(`${path}/${id}/move`, { token, body: { gateway_id } });
    return body.code ?? body.peer.address;
  };
  const free = async () =>
    (await api.request("/api/v1/wireguard/pool", { token })).body.free as number;

  const his = await make(1, { user_id: bob.userId });
  await quota(1);
  await t.step("at its quota it moves, to and fro, between two addresses", async () => {
    for (let n = 0; n < 3; n++) {
      assert.equal(await move(his.id, 2), "10.11.0.6");
      await readBackGone(api, 1);
      assert.equal(await move(his.id, 1), his.address);
      await readBackGone(api, 2);
    }
    assert.deepEqual(await heldAddresses(api), [`1: ${his.address}`]);
    assert.equal((await make(1)).code, "quota_exceeded", "and makes none beside it");
  });
  await t.step(
    "what it left is its own alone, and counts for neither tenant nor owner",
    async () => {
      await quota(2);
      assert.equal(await free(), 1);
      await api.db.owner`update tenants set user_peer_quota = 2 where id = ${acme.tenantId}`;
      const mine = await api.request("/api/v1/wireguard/me/peers", {
        token: bob.token,
        body: { name: "second" },
      });
      assert.equal(mine.status, 201, mine.text);
      assert.notEqual(mine.body.peer.address, "10.11.0.6");
      assert.equal(await free(), 0);
    },
  );
  await t.step(
    "a quota that was lowered below what is there holds no move back either",
    async () => {
      await quota(1);
      assert.equal(await move(his.id, 2), "10.11.0.6");
      await readBackGone(api, 1);
    },
  );
  await t.step("an address that somebody else had since counts as his", async () => {
    await api.db.owner`update wg_resting_addresses set until = now() - interval '1 s'`;
    await api.db.owner`update wg_ip_pool set free_from = now() where free_from > now()`;
    await quota(3);
    const { id, address } = await make(1);
    assert.equal(address, his.address);
    await api.request(`${path}/${id}`, { method: "DELETE", token });
    await purgeTombstones(api.db);
    assert.equal(await free(), 0, "two peers, and it rests");
    await api.db.owner`update wg_resting_addresses set until = now() - interval '1 s'`;
    await api.db.owner`update wg_ip_pool set free_from = now() where free_from > now()`;
    await move(his.id, 1);
    await readBackGone(api, 2);
    await move(his.id, 2);
    await readBackGone(api, 1);
  });
  await t.step("it counts once the peer is gone", async () => {
    assert.equal(await free(), 1);
    await api.request(`${path}/${his.id}`, { method: "DELETE", token });
    await purgeTombstones(api.db);
    const detail = (await make(1)).detail;
    assert.match(detail, /^the tenant may have 3 peers, 1 are there; 2 more addresses/);
    assert.equal(await free(), 0);
  });
  await t.step("of a small gateway a tenant gets its share, by moving as by making", async () => {
    await quota(null);
    const ids = [];
    for (let n = 0; n < 14; n++) ids.push((await make(1)).id);
    const moved = await Promise.all(ids.map((id) => move(id, 2)));
    const refused = moved.filter((each) => each === "quota_exceeded").length;
    assert.equal(refused, 3, "one address there rests, of the peer that is gone");
    const [row] = await api.db.owner<{ held: number }[]>`
      select count(*)::int as held from wg_ip_pool
      where interface_id = 2 and (free_from is null or free_from > now())`;
    assert.equal(row?.held, 12);
    const [left] = await api.db.owner<
      { id: string }[]
    >`select id from wg_peers where interface_id = 1
      and name = 'laptop'`;
    const { body } = await api.request(`${path}/${left?.id}/move`, {
      token,
      body: { gateway_id: 2 },
    });
    assert.match(body.detail, /^the tenant may hold 12 addresses of gateway 2, and holds 12/);
    const { publicKey } = await generateKeyPair();
    await assert.rejects(
      api.deps.tenancy.transaction(
        asTenantId(acme.tenantId),
        (sql) =>
          movePeerRow(sql, { id: left?.id ?? "", interfaceId: 2, publicKey, presharedKey: null }),
      ),
      { constraint_name: "wg_peers_fit_the_quota" },
      "whoever forgets to ask",
    );
  });
});

Deno.test("quota: T5: what a mover left fills a gateway for whoever makes a peer there, and a user is told no numbers", async () => {
  await using api = await testApi({ env: { WG_APPLY_TIMEOUT: "1" } });
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  await using _one = await livingGateway(api.db, { id: 1 });
  await using _two = await livingGateway(api.db, { id: 2 });
  const make = (who: { token: string }, to: string) =>
    api.request(to, { token: who.token, body: { name: "laptop", gateway_id: 1 } });
  const { peer } = (await make(acme, path)).body;
  await api.db.owner`update tenants set peer_quota = 3 where id = ${acme.tenantId}`;
  // Back before the old address was read back, and so to another one each time.
  for (const gateway_id of [2, 1, 2, 1, 2]) {
    const to = `${path}/${peer.id}/move`;
    const moved = await api.request(to, { token: acme.token, body: { gateway_id } });
    assert.equal(moved.status, 200, moved.text);
  }
  const told = async (who: { token: string }, to = path) => {
    const { body } = await make(who, to);
    return [body.code, body.detail === body.title ? null : body.detail];
  };
  assert.deepEqual(await told(acme), [
    "quota_exceeded",
    "the tenant may hold 3 addresses of gateway 1, and holds 3, those that rest included",
  ]);
  assert.deepEqual(await told(bob, "/api/v1/wireguard/me/peers"), ["quota_exceeded", null]);
  assert.equal((await api.db.owner`select from wg_peers`).length, 1);
  await api.request(`${path}/${peer.id}`, { method: "DELETE", token: acme.token });
  assert.deepEqual(await told(acme), [
    "quota_exceeded",
    "the tenant may have 3 peers, 1 are there",
  ], "none has an end yet that could be named");
});
