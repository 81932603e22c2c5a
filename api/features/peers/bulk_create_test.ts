import assert from "node:assert/strict";
import { unzipSync } from "fflate";
import {
  adminOf,
  loopback,
  type Persona,
  type TestApi,
  testApi,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import { archiveName, bulksAMinute, maxBulk } from "./bulk_create.ts";

const bulk = (api: TestApi, who: Persona, peers: unknown[], accept = "application/json") =>
  api.request("/api/v1/wireguard/peers/bulk", {
    via: loopback,
    token: who.token,
    headers: { accept },
    body: { peers },
  });
const named = (count: number) => Array.from({ length: count }, (_, n) => ({ name: `peer ${n}` }));

Deno.test("bulk: a thousand peers at once, in order, each with its own address, key and file", async () => {
  await using api = await testApi({ network: "10.10.0.0/20" });
  const acme = await adminOf(api, "acme");
  const reply = await bulk(api, acme, named(maxBulk));
  assert.equal(reply.status, 201, reply.text.slice(0, 500));
  const { items } = reply.body;
  assert.equal(items.length, maxBulk);
  const addresses = items.map((item: { peer: { address: string } }) => item.peer.address);
  assert.equal(new Set(addresses).size, maxBulk);
  assert.equal(addresses[0], "10.10.0.6");
  assert.equal(addresses.at(-1), "10.10.3.238", "the lowest thousand, .0.254 left out");
  for (const [n, { peer, config }] of items.entries()) {
    assert.equal(peer.name, `peer ${n}`);
    assert(config.includes(`Address = ${peer.address}/32\n`));
  }
  assert.equal(new Set(items.map((item: { config: string }) => item.config)).size, maxBulk);
  const [entry] = await api.db
    .owner`select details from audit_log where action = 'peer.create_bulk'`;
  assert.equal(entry?.details.peers.length, maxBulk);
});

Deno.test("bulk: as an archive, a file a peer, whose names wg-quick takes even where peers share one", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const names = ["same", "same", "Ada's very long laptop name", "日本", "../../etc"];
  const body = names.map((name) => ({ name }));
  const response = await api.requestBytes("/api/v1/wireguard/peers/bulk", {
    via: loopback,
    token: acme.token,
    headers: { accept: "application/zip" },
    body: { peers: body },
  });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("content-type"), "application/zip");
  const files = Object.entries(unzipSync(response.bytes));
  assert.equal(files.length, names.length);
  for (const [name, bytes] of files) {
    assert.match(name, /^[a-zA-Z0-9_=+.-]{1,15}\.conf$/);
    assert.match(new TextDecoder().decode(bytes), /^# MassaCorp: .*\n\[Interface\]\nPrivateKey = /);
  }
});

Deno.test("bulk: all or none", async (t) => {
  await using api = await testApi({ network: "10.10.0.0/28" });
  const acme = await adminOf(api, "acme");
  // Several share the pool; here one may have all of it.
  await api.db.owner`update tenants set peer_quota = 1000`;
  const key = (await bulk(api, acme, [{ name: "first" }])).body.items[0].peer.public_key;
  const cases: Record<string, [unknown[], number, string, string?]> = {
    "too few addresses": [named(8), 409, "pool_exhausted"],
    "one bad name": [[...named(2), { name: "" }], 422, "invalid_input", "peers.2.name"],
    "one key in use": [[...named(2), { name: "x", public_key: key }], 409, "public_key_taken"],
    "one key twice": [
      [{ name: "x", public_key: "j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=" }, {
        name: "y",
        public_key: "j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=",
      }],
      409,
      "public_key_taken",
    ],
    "one expiry in the past": [
      [{ name: "x" }, { name: "y", expires_at: "2020-01-01T00:00:00Z" }],
      422,
      "invalid_input",
      "peers.1.expires_at",
    ],
    "one resolver in the tunnel": [
      [{ name: "x" }, { name: "y", dns: ["10.10.0.1"] }],
      422,
      "invalid_input",
      "peers.1.dns.0",
    ],
    "none": [[], 422, "invalid_input", "peers"],
    "too many": [named(maxBulk + 1), 422, "invalid_input", "peers"],
  };
  for (const [name, [peers, status, code, path]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const before = await databaseDigest(api.db);
      const reply = await bulk(api, acme, peers);
      assert.equal(reply.status, status, reply.text);
      assert.equal(reply.body.code, code);
      if (path) assert.equal(reply.body.errors[0].path, path);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
  assert.equal((await bulk(api, acme, named(7))).status, 201, "the seven that are left");
});

Deno.test("bulk: the quota counts them all", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set peer_quota = 5`;
  assert.equal((await bulk(api, acme, named(6))).body.code, "quota_exceeded");
  assert.equal((await bulk(api, acme, named(5))).status, 201);
});

Deno.test("bulk: one that quota or gateway refuse makes no key, and a tenant asks for so many a minute", async () => {
  await using api = await testApi({ inProcess: "counts the keys of one process" });
  const [acme, beta] = [await adminOf(api, "acme"), await adminOf(api, "beta")];
  await api.db.owner`update tenants set peer_quota = 3`;
  const { presharedKeys } = api.deps;
  let made = 0;
  api.deps.presharedKeys = {
    ...presharedKeys,
    seal(...parts) {
      made++;
      return presharedKeys.seal(...parts);
    },
  };
  const keyed = (count: number) => named(count).map((peer) => ({ ...peer, preshared_key: true }));
  assert.equal((await bulk(api, acme, keyed(4))).body.code, "quota_exceeded");
  const elsewhere = await api.request("/api/v1/wireguard/peers/bulk", {
    via: loopback,
    token: acme.token,
    body: { peers: keyed(3), gateway_id: 99 },
  });
  assert.deepEqual([elsewhere.status, elsewhere.body.errors?.[0].path], [422, "gateway_id"]);
  await api.db.owner`update wg_interfaces set public_key = null`;
  assert.equal((await bulk(api, acme, keyed(3))).body.code, "gateway_not_ready");
  assert.equal(made, 0);

  const replies = await Promise.all(
    Array.from({ length: bulksAMinute }, () => bulk(api, acme, keyed(3))),
  );
  const codes = replies.map((reply) => reply.body.code);
  assert.equal(codes.filter((code) => code === "gateway_not_ready").length, bulksAMinute - 3);
  assert.equal(codes.filter((code) => code === "rate_limited").length, 3);
  assert.equal((await bulk(api, beta, keyed(3))).body.code, "gateway_not_ready");
  assert.equal(made, 0);
});

Deno.test("bulk: T5: creations at once, single and in bulk, never share an address and lose none", async () => {
  await using api = await testApi({ network: "10.10.0.0/25" });
  const acme = await adminOf(api, "acme");
  // Several share the pool; here one may have all of it.
  await api.db.owner`update tenants set peer_quota = 1000`;
  const single = (n: number) =>
    api.request("/api/v1/wireguard/peers", {
      via: loopback,
      token: acme.token,
      body: { name: `single ${n}` },
    });
  const replies = await Promise.all([
    ...Array.from({ length: 5 }, () => bulk(api, acme, named(20))),
    ...Array.from({ length: 40 }, (_, n) => single(n)),
  ]);
  for (const reply of replies) assert([201, 409].includes(reply.status), reply.text);
  const [row] = await api.db.owner`
    select (select count(*)::int from wg_peers) as peers, (select count(distinct address)::int from wg_peers) as addresses,
      (select count(*)::int from wg_ip_pool where free_from is null) as taken`;
  assert.equal(row?.peers, row?.addresses);
  assert.equal(row?.peers, row?.taken);
});

Deno.test("archiveName: no two addresses of a network have the same, in the widest as well", () => {
  const name = (address: string, network: string) =>
    archiveName({ name: "a-very-long-name", address }, network);
  assert.equal(name("10.10.0.6", "10.10.0.0/24"), "a-very-long-0.6.conf");
  assert.equal(name("172.17.1.6", "172.16.0.0/12"), "a-very-l-17.1.6.conf");
  assert.notEqual(name("172.16.1.6", "172.16.0.0/12"), name("172.17.1.6", "172.16.0.0/12"));
  assert.equal(name("172.31.255.253", "172.16.0.0/12").length, 15 + ".conf".length);
});

Deno.test("bulk: the record says of each peer whose it is", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await bulk(api, acme, [{ name: "a", user_id: acme.userId }, { name: "b" }]);
  const [entry] = await api.db
    .owner`select details from audit_log where action = 'peer.create_bulk'`;
  assert.deepEqual(
    entry?.details.peers.map((peer: Record<string, unknown>) => [peer.name, peer.user_id]),
    [["a", acme.userId], ["b", null]],
  );
});
