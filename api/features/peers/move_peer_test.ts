import assert from "node:assert/strict";
import { connect } from "../../../db/connection.ts";
import { asTenantId } from "../../database/tenancy.ts";
import { adminOf, type TestApi, testApi, tunnelFrom, userOf } from "../../../tests/support/api.ts";
import { purgeTombstones } from "../../../tests/support/database.ts";
import { livingGateway } from "../../../tests/support/gateways.ts";
import { movePeerRow } from "./store.ts";
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

Deno.test("move: T3, T5: a new address there at once, the old one held until its key was read back gone, never on both with one", async (t) => {
  await using api = await testApi({ env: { WG_APPLY_TIMEOUT: "1" } });
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
  await t.step(
    "a file that waits for delivery goes, and so must a resolver that is not there",
    async () => {
      const linked = await api.request(path, {
        token,
        body: { name: "linked", gateway_id: 1, delivery: "link", dns: ["10.11.0.9"] },
      });
      const { id } = linked.body.peer;
      await using _again = await livingGateway(api.db, { id: 2 });
      const there = await move({ gateway_id: 2 }, token, id);
      assert.deepEqual(there.body.errors.map(({ path }: { path: string }) => path), ["dns.0"]);
      await api.request(`${path}/${id}`, { method: "PATCH", token, body: { dns: null } });
      assert.equal((await move({ gateway_id: 2 }, token, id)).status, 200);
      const fetched = await api.request("/api/v1/wireguard/deliveries", {
        tenant: "acme",
        body: { token: linked.body.delivery.token },
      });
      assert.equal(fetched.body.code, "not_found", "it named the old gateway");
    },
  );
  await t.step("each is in the audit log", async () => {
    const entries = await api.db.owner<{ details: { gateway: number; address: string } }[]>`
      select details from audit_log where action = 'peer.move' order by id`;
    assert.deepEqual(entries.map((entry) => entry.details.gateway), [2, 1, 2, 1, 2, 1, 2]);
    assert.equal(entries[0]?.details.address, "10.11.0.6");
  });
});

Deno.test("move: T5, N4: fifty at once take no address twice, and of no gateway more than the quota", async (t) => {
  await using api = await testApi({ env: { WG_APPLY_TIMEOUT: "1" } });
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
  await t.step(
    "back at a quota that is used up: each to where it was, once that was read back",
    async () => {
      await api.db.owner`update tenants set peer_quota = 10 where id = ${acme.tenantId}`;
      const back = () =>
        Promise.all(
          ids.map((id) => api.request(`${path}/${id}/move`, { token, body: { gateway_id: from } })),
        );
      assert.deepEqual(codes(await back()), Array(10).fill("quota_exceeded"), "of one gateway ten");
      await readBack(api, from);
      const replies = await back();
      assert.deepEqual(codes(replies), Array(10).fill("moved"));
      const addresses = (list: { body: { peer: { id: string; address: string } } }[]) =>
        list.map(({ body: { peer } }) => `${peer.id} ${peer.address}`).sort();
      assert.deepEqual(addresses(replies), addresses(body.items.map((body: object) => ({ body }))));
      const [row] = await api.db.owner<{ held: number; resting: number }[]>`
      select (select count(*) from wg_ip_pool where free_from is null or free_from > now())::int as held,
        (select count(*) from wg_resting_addresses where until > now())::int as resting`;
      assert.deepEqual({ ...row }, { held: 20, resting: 10 });
    },
  );
});

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
      await readBack(api, 1);
      assert.equal(await move(his.id, 1), his.address);
      await readBack(api, 2);
    }
    assert.deepEqual(await held(api), [`1: ${his.address}`]);
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
      await readBack(api, 1);
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
    await readBack(api, 2);
    await move(his.id, 2);
    await readBack(api, 1);
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

Deno.test("massacorp_api: T5: moves a peer whole or not at all, whatever it sends", async () => {
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
  // Taken, as the statement before would have it.
  await api.db.owner`
    update wg_ip_pool set free_from = null where interface_id = 2 and address = '10.11.0.77'`;
  const close = (accepts: boolean) =>
    api.db.owner`update wg_interfaces set accepts_peers = ${accepts} where id = 2`;
  await close(false);
  await refused("wg_peers_gateway_takes_peers", "2 10.11.0.77");
  await close(true);
  const rotated = await api.request(`${path}/${id}/rotate`, { token: acme.token, body: {} });
  const successor = rotated.body.peer.rotation.successor_public_key;
  await refused("wg_peers_successors_do_not_move", "2 10.11.0.77");
  const moved = await api.request(`${path}/${id}/move`, {
    token: acme.token,
    body: { gateway_id: 2 },
  });
  assert.equal(moved.body.peer.rotation, null, moved.text);
  const leaving = await api.db.owner<{ key: string; address: string | null }[]>`
    select public_key as key, host(address) as address from wg_retired_keys`;
  assert.deepEqual(
    new Set(leaving.map((row) => `${row.key} ${row.address}`)),
    new Set([`${body.peer.public_key} ${body.peer.address}`, `${successor} null`]),
    "the key that waited leaves, too",
  );
  await api.db.owner`update wg_peers set deleted_at = now() where id = ${id}`;
  await refused("wg_peers_removed_do_not_move", "1 10.10.0.78");
  const role = connect(api.db.url("massacorp_api"), { max: 1, applicationName: "test" });
  await using _role = { [Symbol.asyncDispose]: () => role.end() };
  await role`select set_config('app.tenant_id', ${String(acme.tenantId)}, false)`;
  await assert.rejects(
    role`insert into wg_resting_addresses (tenant_id, interface_id, address, until)
      values (${acme.tenantId}, 1, '10.10.0.99', now())`,
    { code: "42501" },
  );
  await assert.rejects(role`update wg_resting_addresses set until = now()`, { code: "42501" });
  const dropped = await role`delete from wg_resting_addresses`;
  assert.equal(dropped.count, 0, "a rest ends for nobody but who holds the address again");
});
