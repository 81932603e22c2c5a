import assert from "node:assert/strict";
import { asTenantId } from "../../database/tenancy.ts";
import { adminOf, type TestApi, testApi, tunnelFrom } from "../../../tests/support/api.ts";
import { livingGateway } from "../../../tests/support/gateways.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";

const path = "/api/v1/wireguard/peers";

/** What the daemon of a gateway does once it has read its interface back without the keys that left. */
const readBack = (api: TestApi, gateway: number) =>
  api.db.owner`delete from wg_retired_keys where interface_id = ${gateway}`;

async function held(api: TestApi) {
  const rows = await api.db.owner<{ gateway: number; held: string[] }[]>`
    select interface_id as gateway, array_agg(host(address) order by address) as held from wg_ip_pool
    where free_from is null or free_from = 'infinity' group by 1 order by 1`;
  return rows.map(({ gateway, held }) => `${gateway}: ${held.join()}`);
}

Deno.test("peers: are placed by choice, by the tenant's default or by what is free, and one gateway asks nobody", async (t) => {
  await using api = await testApi();
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

Deno.test("move: T3, T5: a new address there at once, the old one held until its key was read back gone, never on both with one", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const beta = await adminOf(api, "beta");
  const { token } = acme;
  await using _one = await livingGateway(api.db, { id: 1 });
  await using two = await livingGateway(api.db, { id: 2 });
  const made = await api.request(path, { token, body: { name: "laptop", gateway_id: 1 } });
  const { peer } = made.body;
  const move = (body: object = { gateway_id: 2 }, who = token, id = peer.id) =>
    api.request(`${path}/${id}/move`, { token: who, body });

  await t.step("N3: another tenant's peer moves no more than an unknown one", async () => {
    const unknown = await move({ gateway_id: 2 }, beta.token, crypto.randomUUID());
    const foreign = await move({ gateway_id: 2 }, beta.token);
    assert.deepEqual(
      { ...foreign.body, request_id: "" },
      { ...unknown.body, request_id: "" },
    );
    assert.equal(foreign.body.code, "not_found");
  });
  await t.step("to where it is, to nowhere: refused, and nothing changes", async () => {
    assert.equal((await move({ gateway_id: 1 })).body.code, "already_there");
    assert.equal((await move({ gateway_id: 9 })).body.errors[0].path, "gateway_id");
    for (const gateway_id of [0, -1, 40_000, "2", null]) {
      assert.equal((await move({ gateway_id })).body.code, "invalid_input");
    }
    const { body } = await api.request(`${path}/${peer.id}`, { token });
    assert.deepEqual([body.gateway_id, body.public_key], [1, peer.public_key]);
  });
  await t.step("moved: pending there, and leaving here", async () => {
    const reply = await move();
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.body.peer.id, peer.id);
    assert.equal(reply.body.peer.gateway_id, 2);
    assert.equal(reply.body.peer.status, "pending");
    assert.equal(reply.body.peer.address, "10.11.0.6");
    assert.deepEqual(reply.body.peer.moved_from, { gateway_id: 1, address: peer.address });
    assert.notEqual(reply.body.peer.public_key, peer.public_key);
    assert.ok(reply.body.config.includes(`PublicKey = ${two.publicKey}`));
    assert.match(reply.body.config, /^Address = 10\.11\.0\.6\/32$/m);
    assert.deepEqual(await held(api), [`1: ${peer.address}`, "2: 10.11.0.6"]);
    const [retired] = await api.db.owner`select public_key, interface_id from wg_retired_keys`;
    assert.deepEqual({ ...retired }, { public_key: peer.public_key, interface_id: 1 });
  });
  await t.step("T10: its old address is nobody's, its new one is it", async () => {
    const info = (address: string) => api.request("/api/v1/info", { via: tunnelFrom(address) });
    assert.equal((await info(peer.address)).body.code, "wrong_tunnel");
    assert.equal((await info("10.11.0.6")).body.caller.peer_id, peer.id);
  });
  await t.step("with the read-back the old address rests, and no sooner", async () => {
    await readBack(api, 1);
    assert.deepEqual(await held(api), ["2: 10.11.0.6"]);
    const [resting] = await api.db.owner`
      select r.until = p.free_from as same, r.until < now() + interval '2 hours' as ends
      from wg_resting_addresses r join wg_ip_pool p using (interface_id, address)`;
    assert.deepEqual({ ...resting }, { same: true, ends: true });
    const { body } = await api.request(`${path}/${peer.id}`, { token });
    assert.equal(body.moved_from, null);
  });
  await t.step(
    "its own key may go with it, and waits where that key is leaving already",
    async () => {
      const { publicKey: public_key } = await generateKeyPair();
      assert.equal((await move({ gateway_id: 1, public_key })).body.peer.public_key, public_key);
      assert.equal((await move({ gateway_id: 2, public_key })).status, 200);
      assert.equal((await move({ gateway_id: 1, public_key })).status, 200, "wanted again");
      assert.equal((await move({ gateway_id: 2, public_key })).body.code, "overtaken");
      await readBack(api, 1);
      await readBack(api, 2);
      assert.equal((await move({ gateway_id: 2, public_key })).status, 200);
      await readBack(api, 1);
    },
  );
  await t.step(
    "a dead gateway and a closed one take none, and one is left though it is dead",
    async () => {
      await two.die();
      assert.equal((await move({ gateway_id: 1 })).status, 200, "away from the dead one");
      const back = await move({ gateway_id: 2 });
      assert.deepEqual([back.status, back.body.code], [503, "gateway_down"]);
      assert.ok(back.headers.get("retry-after"));
      const { body } = await api.request(`${path}/${peer.id}`, { token });
      assert.equal(body.moved_from.gateway_id, 2, "until somebody proves it");
    },
  );
  await t.step("each is in the audit log", async () => {
    const entries = await api.db.owner<{ details: { gateway: number; address: string } }[]>`
      select details from audit_log where action = 'peer.move' order by id`;
    assert.deepEqual(entries.map((entry) => entry.details.gateway), [2, 1, 2, 1, 2, 1]);
    assert.equal(entries[0]?.details.address, "10.11.0.6");
  });
});

Deno.test("move: T5, N4: fifty at once take no address twice, and no more than the quota", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { token } = acme;
  await using _one = await livingGateway(api.db, { id: 1 });
  await using _two = await livingGateway(api.db, { id: 2 });
  const { body } = await api.request(`${path}/bulk`, {
    token,
    body: { peers: Array.from({ length: 10 }, (_, n) => ({ name: `p${n}` })) },
  });
  const ids: string[] = body.items.map((item: { peer: { id: string } }) => item.peer.id);
  const from = body.items[0].peer.gateway_id;
  const to = 3 - from;
  const race = (ids: string[]) =>
    Promise.all(
      ids.map((id) => api.request(`${path}/${id}/move`, { token, body: { gateway_id: to } })),
    );
  const codes = (replies: { body: { code?: string } }[]) =>
    replies.map((reply) => reply.body.code ?? "moved").sort();

  await t.step("of one peer: one wins", async () => {
    const replies = await race(Array.from({ length: 50 }, () => ids[0] ?? ""));
    assert.deepEqual(codes(replies), [...Array(49).fill("already_there"), "moved"]);
  });
  await t.step("of the others: each its own address", async () => {
    assert.deepEqual(codes(await race(ids.slice(1))), Array(9).fill("moved"));
    const [row] = await api.db.owner`
      select count(distinct address)::int as addresses, count(*)::int as peers from wg_peers
      where interface_id = ${to}`;
    assert.deepEqual({ ...row }, { addresses: 10, peers: 10 });
  });
  await t.step("a quota that is used up by what is left behind stops it", async () => {
    await api.db.owner`update tenants set peer_quota = 21 where id = ${acme.tenantId}`;
    const back = await Promise.all(
      ids.map((id) => api.request(`${path}/${id}/move`, { token, body: { gateway_id: from } })),
    );
    assert.deepEqual(codes(back), ["moved", ...Array(9).fill("quota_exceeded")]);
    const [row] = await api.db.owner<{ held: number }[]>`
      select count(*)::int as held from wg_ip_pool where free_from is null or free_from > now()`;
    assert.equal(row?.held, 21);
  });
});

Deno.test("massacorp_api: moves a peer whole or not at all, whatever it sends", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await using _one = await livingGateway(api.db, { id: 1 });
  await using _two = await livingGateway(api.db, { id: 2 });
  const { body } = await api.request(path, {
    token: acme.token,
    body: { name: "a", gateway_id: 1 },
  });
  const { id } = body.peer;
  const { publicKey } = await generateKeyPair();
  const refused = async (constraint: string, change: string) => {
    await assert.rejects(
      api.deps.tenancy.transaction(
        asTenantId(acme.tenantId),
        async (sql) => {
          const [gateway = "", address = ""] = change.split(" ");
          await sql`update wg_peers set interface_id = ${
            Number(gateway)
          }, address = ${address}::inet,
            public_key = ${publicKey} where id = ${id}`;
        },
      ),
      { constraint_name: constraint },
      change,
    );
  };
  await refused("wg_peers_address_moves_with_the_gateway", "1 10.10.0.77");
  await refused("wg_peers_new_address_is_taken", "2 10.11.0.77");
  await refused("wg_peers_new_address_is_taken", "2 10.10.0.77");
});
