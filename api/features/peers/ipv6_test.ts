import assert from "node:assert/strict";
import { adminOf, type TestApi, testApi, tunnelFrom } from "../../../tests/support/api.ts";
import { createPeer } from "../../../tests/support/peer_calls.ts";
import { until } from "../../../tests/support/until.ts";

const prefix = "fd6d:617a:7a61:1:";

const setNetwork6 = (api: TestApi, to: string | null) =>
  api.db.owner`update wg_interfaces set network6 = ${to} where id = 1`;

Deno.test("create: without IPv6 there is no second address, in no form", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { body } = await api.request("/api/v1/wireguard/peers", {
    token: acme.token,
    body: { name: "laptop" },
  });
  assert(!("address6" in body.peer));
  assert.match(body.config, /^Address = 10\.10\.0\.6\/32$/m);
  assert.equal((await api.request("/api/v1/info")).body.wireguard_network6, null);
});

Deno.test("create: with IPv6 the file has both addresses and leads to both of gateway and API", async () => {
  await using api = await testApi({ env: { WG_NETWORK6: `${prefix}:/64` } });
  const acme = await adminOf(api, "acme");
  const ask = (path: string, body?: unknown) =>
    api.request(`/api/v1/wireguard${path}`, {
      token: acme.token,
      ...(body === undefined ? {} : { body }),
    });
  const early = (await ask("/peers", { name: "early" })).body.peer;
  await setNetwork6(api, `${prefix}:/64`);
  const { peer, config } = (await ask("/peers", { name: "laptop" })).body;
  assert.equal(peer.address, "10.10.0.7");
  assert.equal(peer.address6, `${prefix}:7`);
  const lines: string[] = config.split("\n");
  assert(lines.includes(`Address = 10.10.0.7/32, ${prefix}:7/128`));
  assert(
    lines.includes(
      `AllowedIPs = 10.10.0.1/32, 10.10.0.2/32, ${prefix}:1/128, ${prefix}:2/128`,
    ),
  );
  assert.equal(
    (await ask(`/peers/${early.id}`)).body.address6,
    `${prefix}:6`,
    "one that was there",
  );
  assert.equal((await ask("/status")).body.interface.network6, `${prefix}:/64`);
  const info = await api.request("/api/v1/info", { via: tunnelFrom(`${prefix}:7`) });
  assert.equal(info.body.wireguard_network6, `${prefix}:/64`);
  assert.deepEqual(info.body.caller, {
    via: "tunnel",
    address: `${prefix}:7`,
    peer_id: peer.id,
    tenant_id: acme.tenantId,
  });

  const explained = (await ask(`/peers/${peer.id}/explain`)).body;
  assert.equal(explained.desired.address6, `${prefix}:7`);
  const exported = await api.request("/api/v1/wireguard/export", { tenant: "acme", body: {} });
  assert.deepEqual(exported.body.peers[1].allowed_ips, ["10.10.0.7/32", `${prefix}:7/128`]);

  const own = await ask("/peers", { name: "own", client_allowed_ips: ["192.0.2.0/24"] });
  assert.match(own.body.config, /^AllowedIPs = 192\.0\.2\.0\/24$/m, "a peer's own routes stay");
  const inside = await ask("/peers", { name: "dns", dns: [`${prefix}:53`] });
  assert.equal(inside.status, 422);
  assert.deepEqual(inside.body.errors[0].path, "dns.0");
});

Deno.test("T10: a source address of the IPv6 network that no live peer holds is refused", async () => {
  await using api = await testApi({ env: { WG_NETWORK6: `${prefix}:/64` } });
  await setNetwork6(api, `${prefix}:/64`);
  const { peer } = await createPeer(api, await adminOf(api, "acme"));
  const info = { via: tunnelFrom(peer.address6) };
  assert.equal((await api.request("/api/v1/info", info)).status, 200, "of one that lives");
  await api.db.owner`update wg_peers set enabled = false where id = ${peer.id}`;
  const past = peer.address6;
  await until(
    "its answer is forgotten",
    async () => (await api.request("/api/v1/info", info)).status === 403,
  );
  for (const source of [past, `${prefix}:6`, `${prefix}ffff:ffff:ffff:6`]) {
    const reply = await api.request("/api/v1/info", { via: tunnelFrom(source) });
    assert.deepEqual([reply.status, reply.body.code], [403, "wrong_tunnel"], source);
  }
});
