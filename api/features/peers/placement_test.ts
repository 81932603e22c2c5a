import assert from "node:assert/strict";
import { adminOf, testApi } from "../../../tests/support/api.ts";
import { livingGateway } from "../../../tests/support/gateways.ts";

const path = "/api/v1/wireguard/peers";

Deno.test("peers: are placed by choice, by the tenant's default or by what is free, and one gateway asks nobody", async (t) => {
  await using api = await testApi({ env: { WG_APPLY_TIMEOUT: "1" } });
  const acme = await adminOf(api, "acme");
  const { token } = acme;
  const make = async (body: object = {}) => {
    const reply = await api.request(path, { token, body: { name: "laptop", ...body } });
    return reply.status === 201 ? reply.body.peer.gateway_id : reply.body.code;
  };
  await t.step("with one, that, whether its daemon lives or not", async () => {
    assert.equal(await make(), 1);
    assert.equal(await make({ gateway_id: 1 }), 1);
    assert.equal(await make({ gateway_id: 2 }), "invalid_input");
  });
  await using two = await livingGateway(api.db, { id: 2, network: "10.11.0.0/25" });
  await t.step("one that is down gets none but by nobody else being there", async () => {
    assert.equal(await make(), 2);
    assert.equal(await make({ gateway_id: 1 }), "gateway_down");
  });
  await using _one = await livingGateway(api.db, { id: 1 });
  await t.step("both up: the one with the most free addresses; the file names it", async () => {
    const { body } = await api.request(path, { token, body: { name: "laptop" } });
    assert.equal(body.peer.gateway_id, 1);
    const chosen = await api.request(path, { token, body: { name: "laptop", gateway_id: 2 } });
    assert.equal(chosen.body.peer.gateway_id, 2);
    assert.match(chosen.body.peer.address, /^10\.11\.0\./);
    assert.match(chosen.body.config, /^Endpoint = vpn2\.example\.com:51820$/m);
    assert.ok(chosen.body.config.includes(`PublicKey = ${two.publicKey}`));
    assert.match(chosen.body.config, /^AllowedIPs = 10\.11\.0\.1\/32, 10\.11\.0\.2\/32$/m);
    const rotated = await api.request(`${path}/${chosen.body.peer.id}/rotate`, { token, body: {} });
    assert.match(rotated.body.config, /^Endpoint = vpn2\.example\.com:51820$/m);
  });
  await t.step("the tenant's default goes before that, while it is up and open", async () => {
    const choose = (gateway_id: number | null) =>
      api.request("/api/v1/tenants/current", {
        method: "PATCH",
        token,
        body: { wireguard: { gateway_id } },
      });
    assert.equal((await choose(9)).body.errors[0].path, "wireguard.gateway_id");
    assert.equal((await choose(2)).body.wireguard.gateway_id, 2);
    assert.equal(await make(), 2);
    await api.db.owner`update wg_interfaces set accepts_peers = false where id = 2`;
    assert.equal(await make(), 1);
    assert.equal(await make({ gateway_id: 2 }), "gateway_closed");
    await api.db.owner`update wg_interfaces set accepts_peers = true where id = 2`;
  });
  await t.step("many at once go to one", async () => {
    const { body } = await api.request(`${path}/bulk`, {
      token,
      body: { peers: [{ name: "a" }, { name: "b" }] },
    });
    assert.deepEqual(
      body.items.map((item: { peer: { gateway_id: number } }) => item.peer.gateway_id),
      [2, 2],
    );
  });
});
