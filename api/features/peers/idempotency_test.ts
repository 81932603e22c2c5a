import assert from "node:assert/strict";
import { connect } from "../../../db/connection.ts";
import {
  adminOf,
  logIn,
  loopback,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const create = (api: TestApi, who: Persona, key: string, body: unknown = { name: "laptop" }) =>
  api.request("/api/v1/wireguard/peers", {
    via: loopback,
    token: who.token,
    headers: { "Idempotency-Key": key },
    body,
  });

async function peerCount(api: TestApi): Promise<number> {
  const [row] = await api.db.owner`select count(*)::int as n from wg_peers`;
  return row?.n;
}

Deno.test("Idempotency-Key: D2: a repeated creation makes nothing more, and a client that never spoke gets new keys", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const first = await create(api, acme, "key-1");
  const again = await create(api, acme, "key-1");
  assert.equal(again.status, 201, again.text);
  assert.equal(again.body.peer.id, first.body.peer.id);
  assert.equal(again.body.peer.address, first.body.peer.address);
  assert.notEqual(again.body.peer.public_key, first.body.peer.public_key);
  assert.match(again.body.config, /^PrivateKey = /m);
  assert.notEqual(again.body.config, first.body.config);
  assert.equal(await peerCount(api), 1);
  assert.equal((await create(api, acme, "key-2")).body.peer.address, "10.10.0.7");
});

Deno.test("Idempotency-Key: a peer whose client has spoken is shown without secrets, and keeps its keys", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { peer } = (await create(api, acme, "key-1")).body;
  const sql = connect(api.db.url("massacorp_wgd"), {
    max: 1,
    applicationName: "test-wgd",
    connectTimeout: 60,
  });
  await sql`
    insert into wg_peer_traffic (tenant_id, peer_id) values (${acme.tenantId}, ${peer.id})`;
  await sql`update wg_peer_traffic set last_handshake_at = now()`;
  await sql.end();
  const again = await create(api, acme, "key-1");
  assert.equal(again.status, 201);
  assert.equal(again.body.config, null);
  assert.equal(again.body.qr, null);
  assert.equal(again.body.peer.public_key, peer.public_key);
});

Deno.test("Idempotency-Key: of fifty at once, one creates", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const replies = await Promise.all(Array.from({ length: 50 }, () => create(api, acme, "key-1")));
  for (const reply of replies) assert.equal(reply.status, 201, reply.text);
  assert.equal(new Set(replies.map((reply) => reply.body.peer.id)).size, 1);
  assert.equal(await peerCount(api), 1);
});

Deno.test("Idempotency-Key: another request under the same key is refused, and nothing changes", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await create(api, acme, "key-1");
  const before = await databaseDigest(api.db);
  const other = await create(api, acme, "key-1", { name: "another" });
  assert.equal(other.status, 422);
  assert.equal(other.body.code, "idempotency_key_reused");
  // The same body for another operation is another request.
  const elsewhere = await api.request("/api/v1/wireguard/me/peers", {
    via: loopback,
    token: acme.token,
    headers: { "Idempotency-Key": "key-1" },
    body: { name: "laptop" },
  });
  assert.equal(elsewhere.body.code, "idempotency_key_reused");
  for (const key of ["", "has space", "é", "x".repeat(256)]) {
    const bad = await create(api, acme, encodeURI(key) === key ? key : "a b");
    assert.equal(bad.status, 422, key);
    assert.equal(bad.body.errors[0].path, "Idempotency-Key");
  }
  assert.deepEqual(await databaseDigest(api.db), before);
});

Deno.test("Idempotency-Key: N3: a key is its caller's own, and lasts a day", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const colleague = await userOf(api, acme, { email: "co@acme.example", role: "admin" });
  const ids = new Set<string>();
  for (const who of [acme, other, colleague]) {
    ids.add((await create(api, who, "key-1")).body.peer.id);
  }
  // Nor is that of an API key, or of the operator, its maker's or another's.
  const { key } = (await api.request("/api/v1/api-keys", {
    via: loopback,
    token: acme.token,
    body: { name: "k", scopes: ["wireguard.write"] },
  })).body;
  const others = [
    { via: loopback, headers: { "X-API-Key": key, "Idempotency-Key": "key-1" } },
    { tenant: "acme", headers: { "Idempotency-Key": "key-1" } },
  ];
  for (const each of others) {
    const made = await api.request("/api/v1/wireguard/peers", {
      ...each,
      body: { name: "laptop" },
    });
    assert.equal(made.status, 201, made.text);
    ids.add(made.body.peer.id);
  }
  assert.equal(ids.size, 5);
  // Each repetition finds its own, whoever used the same key besides.
  for (const who of [colleague, acme, other]) {
    const again = await create(api, who, "key-1");
    assert(ids.has(again.body.peer.id));
    assert.equal(again.body.peer.tenant_id, who.tenantId);
  }
  api.clock.advance(24 * 3_600_000);
  const late = await create(api, await logIn(api, acme), "key-1");
  assert(ids.has(late.body.peer.id));
  api.clock.advance(1);
  const fresh = await create(api, await logIn(api, acme), "key-1");
  assert.equal(fresh.status, 201, fresh.text);
  assert(!ids.has(fresh.body.peer.id));
  const [left] = await api.db.owner`
    select count(*)::int as n from idempotency_keys where tenant_id = ${acme.tenantId}`;
  assert.equal(left?.n, 1, "the old ones are gone");
});

Deno.test("Idempotency-Key: a creation that failed leaves the key free", async () => {
  await using api = await testApi({ network: "10.10.0.0/28" });
  const acme = await adminOf(api, "acme");
  await api.db.owner`update wg_ip_pool set free_from = 'infinity'`;
  assert.equal((await create(api, acme, "key-1")).body.code, "pool_exhausted");
  await api.db.owner`update wg_ip_pool set free_from = '-infinity'`;
  assert.equal((await create(api, acme, "key-1")).status, 201);
});
