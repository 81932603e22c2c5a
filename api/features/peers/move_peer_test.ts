import assert from "node:assert/strict";
import { adminOf, testApi, tunnelFrom } from "../../../tests/support/api.ts";
import { heldAddresses, livingGateway, readBackGone } from "../../../tests/support/gateways.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";

const path = "/api/v1/wireguard/peers";

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
    assert.deepEqual(await heldAddresses(api), [`1: ${peer.address}`, "2: 10.11.0.6"]);
    const [retired] = await api.db.owner`select public_key, interface_id from wg_retired_keys`;
    assert.deepEqual({ ...retired }, { public_key: peer.public_key, interface_id: 1 });
  });
  await t.step("T10: its old address is nobody's, its new one is it", async () => {
    const info = (address: string) => api.request("/api/v1/info", { via: tunnelFrom(address) });
    assert.equal((await info(peer.address)).body.code, "wrong_tunnel");
    assert.equal((await info("10.11.0.6")).body.caller.peer_id, peer.id);
  });
  await t.step("with the read-back the old address rests, and no sooner", async () => {
    await readBackGone(api, 1);
    assert.deepEqual(await heldAddresses(api), ["2: 10.11.0.6"]);
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
      await readBackGone(api, 1);
      await readBackGone(api, 2);
      assert.equal((await move({ gateway_id: 2, public_key })).status, 200);
      await readBackGone(api, 1);
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

Deno.test("move: T5: fifty at once take no address twice, and of no gateway more than the quota", async (t) => {
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
      await readBackGone(api, from);
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
