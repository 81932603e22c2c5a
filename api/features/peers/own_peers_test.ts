import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { purgeTombstones } from "../../../tests/support/database.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const own = "/api/v1/wireguard/me/peers";
const all = "/api/v1/wireguard/peers";
const ask = (api: TestApi, who: Persona, path: string, more: RequestOptions = {}) =>
  api.request(path, { via: loopback, token: who.token, ...more });

Deno.test("own peers: a user makes, reads, changes, rotates and removes his own, without any permission", async () => {
  await using api = await testApi();
  const bob = await userOf(api, await adminOf(api, "acme"), { email: "bob@acme.example" });
  const made = await ask(api, bob, own, { body: { name: "phone" } });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.peer.user_id, bob.userId);
  const { id } = made.body.peer;
  assert.equal(made.headers.get("location"), `${own}/${id}`);
  assert.deepEqual((await ask(api, bob, own)).body.items.map((peer: { id: string }) => peer.id), [
    id,
  ]);
  const renamed = await ask(api, bob, `${own}/${id}`, {
    method: "PATCH",
    body: { name: "my phone" },
  });
  assert.equal(renamed.body.name, "my phone");
  assert.equal((await ask(api, bob, `${own}/${id}/rotate`, { body: {} })).status, 200);
  assert.equal((await ask(api, bob, `${own}/${id}/disable`, { method: "POST" })).status, 202);
  assert.equal((await ask(api, bob, `${own}/${id}/enable`, { method: "POST" })).status, 200);
  assert.equal((await ask(api, bob, `${own}/${id}`, { method: "DELETE" })).status, 202);
});

Deno.test("own peers: N3: another user's peer is unknown in self-service, and the owner cannot be chosen", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const eve = await userOf(api, acme, { email: "eve@acme.example" });
  const bobs = (await ask(api, bob, own, { body: { name: "phone" } })).body.peer.id;
  const machine = (await ask(api, acme, all, { body: { name: "machine" } })).body.peer.id;
  const before = await databaseDigest(api.db);
  for (const id of [bobs, machine]) {
    const calls: Record<string, RequestOptions & { path?: string }> = {
      get: {},
      patch: { method: "PATCH", body: { name: "mine" } },
      delete: { method: "DELETE" },
      disable: { method: "POST", path: "/disable" },
      enable: { method: "POST", path: "/enable" },
      rotate: { body: {}, path: "/rotate" },
    };
    for (const [name, { path = "", ...call }] of Object.entries(calls)) {
      await t.step(`${name} ${id === bobs ? "a colleague's" : "a machine's"}`, async () => {
        const reply = await ask(api, eve, `${own}/${id}${path}`, call);
        assert.equal(reply.status, 404, reply.text);
      });
    }
  }
  assert.deepEqual((await ask(api, eve, own)).body.items, []);
  const chosen = await ask(api, eve, own, { body: { name: "x", user_id: bob.userId } });
  assert.deepEqual(chosen.body.errors.map((error: { path: string }) => error.path), ["user_id"]);
  const handed = await ask(api, bob, `${own}/${bobs}`, {
    method: "PATCH",
    body: { user_id: eve.userId },
  });
  assert.equal(handed.status, 422);
  assert.deepEqual(await databaseDigest(api.db), before);
});

Deno.test("own peers: fifty at once get no more than the quota, and a removed one makes room once its address has rested", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  await ask(api, acme, "/api/v1/tenants/current", {
    method: "PATCH",
    body: { user_peer_quota: 3 },
  });
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, n) => ask(api, bob, own, { body: { name: `peer ${n}` } })),
  );
  const made = replies.filter((reply) => reply.status === 201);
  assert.equal(made.length, 3);
  for (const reply of replies) {
    if (reply.status !== 201) assert.equal(reply.body.code, "quota_exceeded");
  }
  // What was refused left nothing behind.
  const [pool] = await api.db
    .owner`select count(*)::int as n from wg_ip_pool where free_from is null`;
  assert.equal(pool?.n, 3);
  // An admin is not bound by the quota of users.
  const byAdmin = await ask(api, acme, all, { body: { name: "one more", user_id: bob.userId } });
  assert.equal(byAdmin.status, 201);
  await ask(api, bob, `${own}/${made[0]?.body.peer.id}`, { method: "DELETE" });
  await ask(api, bob, `${own}/${byAdmin.body.peer.id}`, { method: "DELETE" });
  const again = () => ask(api, bob, own, { body: { name: "again" } });
  assert.equal((await again()).status, 409, "two tombstones still hold their addresses");
  await purgeTombstones(api.db);
  const early = await again();
  assert.equal(early.body.code, "quota_exceeded");
  assert.match(
    early.body.detail,
    /^you may have 3 peers, 2 are there; 2 more addresses .* until 2/,
  );
  await api.db.owner`update wg_resting_addresses set until = now()`;
  assert.equal((await again()).status, 201);
});

Deno.test("create: the tenant's quota holds against fifty at once, over all its users", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  await api.db.owner`update tenants set peer_quota = 4 where slug = 'acme'`;
  const replies = await Promise.all(
    Array.from(
      { length: 50 },
      (_, n) =>
        n % 2
          ? ask(api, acme, all, { body: { name: `peer ${n}` } })
          : ask(api, acme, own, { body: { name: `peer ${n}` } }),
    ),
  );
  assert.equal(replies.filter((reply) => reply.status === 201).length, 4);
  assert.equal((await ask(api, other, all, { body: { name: "free" } })).status, 201);
});

Deno.test("update: changes what is named, puts null back to the default, and moves the generation only where the interface must follow", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { id } = (await ask(api, acme, all, { body: { name: "laptop", mtu: 1300 } })).body.peer;
  const patch = (body: unknown) => ask(api, acme, `${all}/${id}`, { method: "PATCH", body });
  const generation = async () => {
    const [row] = await api.db.owner`select generation from wg_peers where id = ${id}`;
    return row?.generation;
  };
  const first = await generation();
  const shaped = await patch({
    name: "renamed",
    dns: ["192.0.2.53"],
    client_allowed_ips: ["10.20.30.40/16", "fd00:1::1/48"],
    persistent_keepalive: 25,
  });
  assert.equal(shaped.status, 200, shaped.text);
  assert.equal(shaped.body.name, "renamed");
  assert.equal(shaped.body.mtu, 1300);
  assert.deepEqual(shaped.body.client_allowed_ips, ["10.20.0.0/16", "fd00:1::/48"]);
  assert.equal(await generation(), first, "nothing of this is the interface's affair");
  const reset = await patch({ mtu: null, client_allowed_ips: null });
  assert.equal(reset.body.mtu, null);
  assert.equal(reset.body.client_allowed_ips, null);
  assert.deepEqual(reset.body.dns, ["192.0.2.53"]);
  const expires_at = new Date(api.clock.now() + 3_600_000).toISOString();
  assert.equal((await patch({ expires_at })).body.expires_at, expires_at);
  assert.notEqual(await generation(), first);
  assert.equal((await patch({ expires_at: null, user_id: bob.userId })).body.user_id, bob.userId);
  const [entry] = await api.db.owner`
    select details from audit_log where action = 'peer.update' order by id limit 1`;
  assert.deepEqual(entry?.details.name, { before: '"laptop"', after: '"renamed"' });

  const before = await databaseDigest(api.db);
  const refused: [unknown, string][] = [
    [{ expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
    [{ dns: ["10.10.0.1"] }, "dns.0"],
    [{ client_allowed_ips: ["192.0.2.0/24"] }, "dns.0"],
    [{ user_id: 4711 }, "user_id"],
    [{ name: null }, "name"],
    [{ public_key: "x" }, "public_key"],
  ];
  for (const [body, path] of refused) {
    const reply = await patch(body);
    assert.equal(reply.status, 422, reply.text);
    assert.equal(reply.body.errors[0].path, path);
  }
  assert.deepEqual(await databaseDigest(api.db), before);
});

Deno.test("tenant settings: shape the files of peers that set nothing of their own", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const settings = {
    client_allowed_ips: ["10.20.0.0/16"],
    dns: ["192.0.2.53"],
    mtu: 1380,
    persistent_keepalive: 25,
  };
  const patched = await ask(api, acme, "/api/v1/tenants/current", {
    method: "PATCH",
    body: { wireguard: settings },
  });
  assert.equal(patched.status, 200, patched.text);
  assert.deepEqual(patched.body.wireguard, { ...settings, gateway_id: null });
  const config = async (who: Persona, more = {}) =>
    (await ask(api, who, all, { body: { name: "laptop", ...more } })).body.config;
  const lines = [
    "AllowedIPs = 10.20.0.0/16",
    "DNS = 192.0.2.53",
    "MTU = 1380",
    "PersistentKeepalive = 25",
  ];
  const text = await config(acme);
  for (const line of lines) assert(text.includes(`\n${line}\n`), line);
  const ownText = await config(acme, { mtu: 1400, dns: [] });
  assert(ownText.includes("\nMTU = 1400\n"));
  // By the line: keys are random letters.
  assert.doesNotMatch(ownText, /^DNS/m);
  assert.doesNotMatch(await config(other), /^MTU/m, "another tenant's files are not touched");

  const before = await databaseDigest(api.db);
  const refused = await ask(api, acme, "/api/v1/tenants/current", {
    method: "PATCH",
    body: { wireguard: { dns: ["10.10.0.2"] } },
  });
  assert.equal(refused.body.errors[0].path, "wireguard.dns.0");
  assert.deepEqual(await databaseDigest(api.db), before);
});
