import assert from "node:assert/strict";
import { adminOf, testApi, userOf } from "../../../tests/support/api.ts";
import { livingGateway } from "../../../tests/support/gateways.ts";
import { until } from "../../../tests/support/until.ts";
import { gatewayState, placeOf } from "./policy.ts";

const path = "/api/v1/wireguard/gateways";

Deno.test("gatewayState: a session alone makes a gateway live, and a time can only take away from that", () => {
  const facts = { retired: false, published: true, lives: true, readBackAge: 1 };
  assert.equal(gatewayState(facts), "up");
  assert.equal(gatewayState({ ...facts, readBackAge: 61 }), "stalled");
  assert.equal(gatewayState({ ...facts, readBackAge: null }), "stalled");
  assert.equal(gatewayState({ ...facts, lives: false }), "down");
  assert.equal(gatewayState({ ...facts, published: false }), "announced");
  assert.equal(gatewayState({ ...facts, retired: true }), "retired");
});

Deno.test("placeOf: the tenant's default where it is up and open, else the one with the most free addresses", () => {
  const one = { id: 1, state: "up" as const, accepts_peers: true, free: 5 };
  const two = { ...one, id: 2, free: 9 };
  assert.equal(placeOf([one, two], null), 2);
  assert.equal(placeOf([two, { ...one, free: 9 }], null), 1, "the first of equals");
  assert.equal(placeOf([one, two], 1), 1);
  assert.equal(placeOf([{ ...one, accepts_peers: false }, two], 1), 2);
  assert.equal(placeOf([{ ...one, state: "down" }, two], 1), 2);
  assert.equal(placeOf([{ ...one, state: "stalled" }], null), undefined);
});

Deno.test("gateways: T2, N3: announced, published, alive and killed: each is told as it is", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set is_platform = true where id = ${acme.tenantId}`;
  const list = async (token?: string) => {
    const { status, body, text } = await api.request(path, token ? { token } : {});
    assert.equal(status, 200, text);
    return body.items;
  };
  const states = async () =>
    (await list()).map((each: { id: number; state: string }) => `${each.id} ${each.state}`);

  await t.step("the one that was published here, without a daemon, is down", async () => {
    assert.deepEqual(await states(), ["1 down"]);
  });
  await t.step("another is announced, with the settings of its daemon", async () => {
    const reply = await api.request(path, {
      body: { name: "wg1", network: "10.11.0.0/24", endpoint: "vpn2.example.com" },
    });
    assert.equal(reply.status, 201, reply.text);
    assert.deepEqual(reply.body.settings, {
      WG_INTERFACE_ID: "2",
      WG_INTERFACE: "wg1",
      WG_NETWORK: "10.11.0.0/24",
      WG_PORT: "51820",
      WG_ENDPOINT: "vpn2.example.com:51820",
      WG_MTU: "1420",
    });
    assert.deepEqual(await states(), ["1 down", "2 announced"]);
    const early = await api.request("/api/v1/wireguard/peers", {
      token: acme.token,
      body: { name: "early", gateway_id: 2 },
    });
    assert.deepEqual([early.status, early.body.code], [503, "gateway_not_ready"]);
  });
  await t.step("a name or a network that is taken is refused, and changes nothing", async () => {
    const good = { name: "wg2", network: "10.12.0.0/24", endpoint: "vpn3.example.com" };
    for (
      const [change, code] of [
        [{ name: "wg1" }, "gateway_name_taken"],
        [{ network: "10.11.0.128/25" }, "network_taken"],
        [{ network: "10.12.0.1/24" }, "invalid_input"],
        [{ network: "10.12.0.0/12" }, "invalid_input"],
        [{ network6: "2001:db8::/64" }, "invalid_input"],
        [{ endpoint: "a b:1" }, "invalid_input"],
        [{ endpoint: "a.example:70000" }, "invalid_input"],
        [{ name: "../etc" }, "invalid_input"],
      ] as const
    ) {
      const reply = await api.request(path, { body: { ...good, ...change } });
      assert.equal(reply.body.code, code, JSON.stringify(change) + reply.text);
    }
    assert.deepEqual(await states(), ["1 down", "2 announced"]);
  });
  {
    await using two = await livingGateway(api.db, { id: 2 });
    await t.step("its daemon comes: up, and down again as soon as it is killed", async () => {
      assert.deepEqual(await states(), ["1 down", "2 up"]);
      const [, gateway] = await list();
      assert.equal(gateway.public_key, two.publicKey);
      const told = two.readBackAt = Date.now() - 30_000;
      await until("it tells when it read back", async () => {
        const [, { last_read_back_at }] = await list();
        return Math.abs(Date.parse(last_read_back_at) - told) < 5_000;
      });
      two.readBackAt = Date.now() - 90_000;
      await until("it hangs", async () => (await states())[1] === "2 stalled");
      await two.die();
      assert.deepEqual(await states(), ["1 down", "2 down"]);
    });
  }
  await t.step("N3: a tenant is told which there are, and not how full they are", async () => {
    const beta = await adminOf(api, "beta");
    const [first] = await list();
    assert.deepEqual(first.addresses, { size: 248, used: 0, free: 248 });
    const items = await list(beta.token);
    assert.deepEqual(items.map((each: { id: number }) => each.id), [1, 2]);
    for (const each of items) assert.equal(each.addresses, null);
    const user = await userOf(api, beta, { email: "bob@beta.example" });
    assert.equal((await api.request(path, { token: user.token })).body.code, "forbidden");
    for (
      const [method, at, body] of [
        ["POST", path, { name: "wg9", network: "10.19.0.0/24", endpoint: "a.example" }],
        ["PATCH", `${path}/1`, { accepts_peers: false }],
        ["DELETE", `${path}/1`, undefined],
      ] as const
    ) {
      const reply = await api.request(at, { method, body, token: beta.token });
      assert.equal(reply.body.code, "forbidden", `${method} ${at}`);
    }
  });
  await t.step("closed: no peer comes, with a code that says why", async () => {
    const reply = await api.request(`${path}/1`, {
      method: "PATCH",
      body: { accepts_peers: false },
    });
    assert.equal(reply.body.accepts_peers, false, reply.text);
    const peer = () =>
      api.request("/api/v1/wireguard/peers", { token: acme.token, body: { name: "late" } });
    assert.equal((await peer()).body.code, "gateway_closed");
    await api.request(`${path}/1`, { method: "PATCH", body: { accepts_peers: true } });
    assert.equal((await peer()).status, 201);
  });
  await t.step("retired: only empty, and for good", async () => {
    const retire = (id: number) => api.request(`${path}/${id}`, { method: "DELETE" });
    assert.equal((await retire(1)).body.code, "gateway_in_use");
    assert.equal((await retire(2)).body.state, "retired");
    assert.equal((await retire(2)).body.code, "gateway_retired");
    const again = await api.request(`${path}/2`, {
      method: "PATCH",
      body: { accepts_peers: true },
    });
    assert.equal(again.body.code, "gateway_retired");
    for (const id of [3, 40_000, 0, "x"]) {
      const reply = await api.request(`${path}/${id}`, { method: "DELETE" });
      assert.equal(reply.body.code, "not_found", `${id}: ${reply.text}`);
    }
    assert.deepEqual(await states(), ["1 down", "2 retired"]);
    assert.equal((await list(acme.token)).length, 1, "which concerns no tenant any more");
    const entries = await api.db.owner<{ action: string }[]>`
      select action from audit_log where target_type = 'wg_interface' order by id`;
    assert.deepEqual(entries.map((entry) => entry.action), [
      "wireguard.gateway_add",
      "wireguard.gateway_change",
      "wireguard.gateway_change",
      "wireguard.gateway_retire",
    ]);
  });
});
