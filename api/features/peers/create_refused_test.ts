import assert from "node:assert/strict";
import { peers } from "../../../tests/support/peer_calls.ts";
import { adminOf, testApi, userOf } from "../../../tests/support/api.ts";
import { purgeTombstones } from "../../../tests/support/database.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

Deno.test("create: bad input is refused with its field, and nothing changes", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const foreign = await userOf(api, await adminOf(api, "other"), { email: "eve@other.example" });
  const [gateway] = await api.db.owner`select public_key from wg_interfaces`;
  const taken = await peers(api, acme).create({ name: "first" });
  const theirs = await peers(api, await adminOf(api, "third")).create({ name: "theirs" });
  const key = "A".repeat(42) + "A=";
  const good = { name: "laptop" };
  const cases: Record<string, [unknown, number, string, string?]> = {
    "no name": [{}, 422, "invalid_input", "name"],
    "empty name": [{ name: "" }, 422, "invalid_input", "name"],
    "long name": [{ name: "x".repeat(65) }, 422, "invalid_input", "name"],
    "name with a line break": [{ name: "x\nPostUp = reboot" }, 422, "invalid_input", "name"],
    "name with a NUL": [{ name: "x\0" }, 422, "invalid_input"],
    "unknown field": [{ ...good, address: "10.10.0.2" }, 422, "invalid_input", "address"],
    "array": [[], 422, "invalid_input"],
    "null": [null, 422, "invalid_input"],
    "key too short": [{ ...good, public_key: "abc" }, 422, "invalid_input", "public_key"],
    "key with bad base64": [
      { ...good, public_key: "!".repeat(43) + "=" },
      422,
      "invalid_input",
      "public_key",
    ],
    "key not canonical": [
      { ...good, public_key: "A".repeat(42) + "B=" },
      422,
      "invalid_input",
      "public_key",
    ],
    "key of zeros": [{ ...good, public_key: key }, 422, "invalid_input", "public_key"],
    "the gateway's key": [
      { ...good, public_key: gateway?.public_key },
      422,
      "invalid_input",
      "public_key",
    ],
    "a key in use": [{ ...good, public_key: taken.body.peer.public_key }, 409, "public_key_taken"],
    "a key in use elsewhere": [
      { ...good, public_key: theirs.body.peer.public_key },
      409,
      "public_key_taken",
    ],
    "expiry in the past": [
      { ...good, expires_at: "2020-01-01T00:00:00Z" },
      422,
      "invalid_input",
      "expires_at",
    ],
    "expiry that is no time": [
      { ...good, expires_at: "tomorrow" },
      422,
      "invalid_input",
      "expires_at",
    ],
    "expiry in a year of five digits": [
      { ...good, expires_at: "9999-12-31T23:59:59-23:59" },
      422,
      "invalid_input",
      "expires_at",
    ],
    "unknown user": [{ ...good, user_id: 4711 }, 422, "invalid_input", "user_id"],
    "another tenant's user": [
      { ...good, user_id: foreign.userId },
      422,
      "invalid_input",
      "user_id",
    ],
    "user as text": [{ ...good, user_id: "1" }, 422, "invalid_input", "user_id"],
    "huge user": [{ ...good, user_id: 2 ** 40 }, 422, "invalid_input", "user_id"],
    "routes that are none": [
      { ...good, client_allowed_ips: ["10.0.0.0/33"] },
      422,
      "invalid_input",
      "client_allowed_ips.0",
    ],
    "routes with a line break": [
      { ...good, client_allowed_ips: ["10.0.0.0/8\nPostUp = reboot"] },
      422,
      "invalid_input",
      "client_allowed_ips.0",
    ],
    "no routes": [
      { ...good, client_allowed_ips: [] },
      422,
      "invalid_input",
      "client_allowed_ips",
    ],
    "resolver by name": [{ ...good, dns: ["localhost"] }, 422, "invalid_input", "dns.0"],
    "resolver in the tunnel": [{ ...good, dns: ["10.10.0.1"] }, 422, "invalid_input", "dns.0"],
    "tiny MTU": [{ ...good, mtu: 576 }, 422, "invalid_input", "mtu"],
    "keepalive beyond 16 bit": [
      { ...good, persistent_keepalive: 65536 },
      422,
      "invalid_input",
      "persistent_keepalive",
    ],
  };
  for (const [name, [body, status, code, path]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const before = await databaseDigest(api.db);
      const reply = await peers(api, acme).create(body);
      assert.equal(reply.status, status, reply.text);
      assert.equal(reply.headers.get("content-type"), "application/problem+json");
      assert.equal(reply.body.code, code);
      assert.equal(reply.body.request_id, reply.headers.get("x-request-id"));
      if (path) {
        const named = reply.body.errors.map((error: { path: string }) => error.path);
        assert(named.some((found: string) => found === path), `${named} names ${path}`);
      }
      assert.doesNotMatch(reply.text, /constraint|postgres|select |insert |wg_peers/i);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
  const { body } = await peers(api, acme).create({});
  assert.deepEqual(body.errors, [{ path: "name", code: "invalid_type", message: "is missing" }]);
});

Deno.test("create: T5: a full pool is a clear 409, and a released address is given out again after its rest", async () => {
  await using api = await testApi({ network: "10.10.0.0/28" });
  const acme = await adminOf(api, "acme");
  // Several share the pool; here one may have all of it.
  await api.db.owner`update tenants set peer_quota = 1000`;
  const { create, remove } = peers(api, acme);
  const made = [];
  for (let n = 0; n < 8; n++) made.push(await create({ name: `peer ${n}` }));
  assert.deepEqual(
    made.map((reply) => reply.body.peer.address),
    [6, 7, 8, 9, 10, 11, 12, 13].map((host) => `10.10.0.${host}`),
  );
  const before = await databaseDigest(api.db);
  const full = await create({ name: "one too many" });
  assert.equal(full.status, 409);
  assert.equal(full.body.code, "pool_exhausted");
  assert.deepEqual(await databaseDigest(api.db), before);

  await remove(made[3]?.body.peer.id);
  assert.equal((await create({ name: "too early" })).status, 409, "a tombstone keeps its address");
  await purgeTombstones(api.db);
  assert.equal((await create({ name: "still too early" })).status, 409, "it rests");
  await api.db.owner`update wg_ip_pool set free_from = now() where free_from > now()`;
  assert.equal((await create({ name: "now" })).body.peer.address, "10.10.0.9");
});

Deno.test("create: before the gateway published its key there is nothing to point a client at", async () => {
  await using api = await testApi({ gateway: false });
  const acme = await adminOf(api, "acme");
  const before = await databaseDigest(api.db);
  const reply = await peers(api, acme).create({ name: "early" });
  assert.equal(reply.status, 503);
  assert.equal(reply.body.code, "gateway_not_ready");
  assert.equal(reply.headers.get("retry-after"), "2");
  assert.deepEqual(await databaseDigest(api.db), before);
});
