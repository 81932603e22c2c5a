import assert from "node:assert/strict";
import { createPeer, redeemDelivery } from "../../../tests/support/peer_calls.ts";
import { generateKeyPair, isWireGuardKey } from "../../../lib/wireguard_key.ts";
import { adminOf, loopback, testApi, tunnelFrom, userOf } from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import { deliveryLifetimeMs } from "../deliveries/token.ts";

const base = "/api/v1/wireguard/peers";

Deno.test("deliveries: a file asked for as a link is fetched once, and the database never had it in clear", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const made = await createPeer(api, acme, { delivery: "link" });
  assert.equal(made.config, null);
  assert.equal(made.qr, null);
  assert.match(made.delivery.token, /^[A-Za-z0-9_-]{43}$/);
  const dump = JSON.stringify([
    ...await api.db.owner`select wg_deliveries::text from wg_deliveries`,
    ...await api.db.owner`select wg_peers::text from wg_peers`,
    ...await api.db.owner`select audit_log::text from audit_log`,
  ]) + api.log.join("\n");

  const fetched = await redeemDelivery(api, { token: made.delivery.token });
  assert.equal(fetched.status, 200, fetched.text);
  assert.equal(fetched.body.peer.id, made.peer.id);
  assert.match(fetched.body.qr.svg, /^<svg /);
  const privateKey = /^PrivateKey = (.*)$/m.exec(fetched.body.config)?.[1] ?? "";
  assert(isWireGuardKey(privateKey));
  for (const secret of [privateKey, made.delivery.token]) assert(!dump.includes(secret));

  const [left] = await api.db.owner`select count(*)::int as n from wg_deliveries`;
  assert.equal(left?.n, 0, "erased on delivery");
  assert.equal((await redeemDelivery(api, { token: made.delivery.token })).status, 404);
});

Deno.test("deliveries: of fifty who ask at once, one gets the file", async () => {
  await using api = await testApi();
  const { delivery } = await createPeer(api, await adminOf(api, "acme"), { delivery: "link" });
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => redeemDelivery(api, { token: delivery.token })),
  );
  assert.equal(replies.filter((reply) => reply.status === 200).length, 1);
  assert.equal(replies.filter((reply) => reply.status === 404).length, 49);
});

Deno.test("deliveries: what is wrong, old, another tenant's, or of a peer that changed or went is unknown", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  const fresh = async () => (await createPeer(api, acme, { delivery: "link" }));
  const cases: Record<string, () => ReturnType<typeof redeemDelivery>> = {
    "made up": () => redeemDelivery(api, { token: "A".repeat(43) }),
    "not a token": () => redeemDelivery(api, { token: "' or 1=1 --" }),
    "another tenant": async () => {
      const { delivery } = await fresh();
      return redeemDelivery(api, { token: delivery.token }, { tenant: "other" });
    },
    "an unknown tenant": async () => {
      const { delivery } = await fresh();
      return redeemDelivery(api, { token: delivery.token }, { tenant: "nowhere" });
    },
    "a removed peer": async () => {
      const { peer, delivery } = await fresh();
      await api.request(`${base}/${peer.id}`, {
        method: "DELETE",
        token: acme.token,
        via: loopback,
      });
      return redeemDelivery(api, { token: delivery.token });
    },
    "a rotated peer": async () => {
      const { peer, delivery } = await fresh();
      await api.request(`${base}/${peer.id}/rotate`, {
        body: {},
        token: acme.token,
        via: loopback,
      });
      return redeemDelivery(api, { token: delivery.token });
    },
    "expired": async () => {
      const { delivery } = await fresh();
      api.clock.advance(deliveryLifetimeMs);
      return redeemDelivery(api, { token: delivery.token });
    },
  };
  for (const [name, call] of Object.entries(cases)) {
    await t.step(name, async () => {
      const reply = await call();
      assert.equal(reply.status, 404, reply.text);
      assert.equal(reply.body.code, "not_found");
    });
  }
});

Deno.test("deliveries: the address a preview fetches burns nothing", async () => {
  await using api = await testApi();
  const { delivery } = await createPeer(api, await adminOf(api, "acme"), { delivery: "link" });
  for (const method of ["GET", "HEAD", "OPTIONS"]) {
    const reply = await api.request(`/api/v1/wireguard/deliveries?token=${delivery.token}`, {
      method,
      via: loopback,
      tenant: "acme",
    });
    assert.equal(reply.status, 404);
  }
  assert.equal((await redeemDelivery(api, { token: delivery.token })).status, 200);
});

Deno.test("deliveries: with a key of one's own the peer gets that key, and the old one retires", async () => {
  await using api = await testApi();
  const made = await createPeer(api, await adminOf(api, "acme"), { delivery: "link" });
  const { publicKey } = await generateKeyPair();
  const reply = await redeemDelivery(api, { token: made.delivery.token, public_key: publicKey });
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.body.peer.public_key, publicKey);
  assert.equal(reply.body.qr, null);
  assert.doesNotMatch(reply.body.config, /^PrivateKey/m);
  assert.match(reply.body.config, /^PresharedKey/m);
  const [retired] = await api.db.owner`select public_key from wg_retired_keys`;
  assert.equal(retired?.public_key, made.peer.public_key);
});

Deno.test("deliveries: a form that the file cannot have leaves it where it was", async () => {
  await using api = await testApi();
  const { publicKey } = await generateKeyPair();
  const made = await createPeer(api, await adminOf(api, "acme"), {
    delivery: "link",
    public_key: publicKey,
  });
  const { token } = made.delivery;
  const reply = await redeemDelivery(api, { token }, { headers: { accept: "image/svg+xml" } });
  assert.equal(reply.status, 406);
  assert.equal((await redeemDelivery(api, { token })).status, 200);
});

Deno.test("deliveries: a peer that goes to somebody else takes no waiting file along", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { peer, delivery } = await createPeer(api, acme, { delivery: "link" });
  const change = (body: unknown) =>
    api.request(`${base}/${peer.id}`, { method: "PATCH", token: acme.token, via: loopback, body });
  assert.equal((await change({ name: "renamed" })).status, 200);
  const [waiting] = await api.db.owner`select count(*)::int as n from wg_deliveries`;
  assert.equal(waiting?.n, 1);
  assert.equal((await change({ user_id: bob.userId })).status, 200);
  assert.equal((await redeemDelivery(api, { token: delivery.token })).status, 404);
});

Deno.test("deliveries: T10: on the tunnel a header that names another tenant is refused and audited", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  const via = tunnelFrom((await createPeer(api, acme)).peer.address);
  const { delivery } = await createPeer(api, acme, { delivery: "link" });
  for (const tenant of ["other", "nowhere"]) {
    const reply = await redeemDelivery(api, { token: delivery.token }, { via, tenant });
    assert.equal(reply.status, 403);
    assert.equal(reply.body.code, "wrong_tunnel");
  }
  const refused = await api.db
    .owner`select tenant_id from audit_log where action = 'tunnel.refuse'`;
  assert.deepEqual(refused.map((row) => row.tenant_id), [acme.tenantId, acme.tenantId]);
  const body = { token: delivery.token };
  const fetched = await api.request("/api/v1/wireguard/deliveries", { via, body });
  assert.equal(fetched.status, 200);
});

Deno.test("deliveries: the file of a user who was deactivated, or of a suspended tenant, is not handed out", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { delivery } = await createPeer(api, acme, { delivery: "link", user_id: bob.userId });
  const fetch = () => redeemDelivery(api, { token: delivery.token });
  const { owner } = api.db;
  await t.step("inactive", async () => {
    await owner`update users set status = 'inactive' where id = ${bob.userId}`;
    const before = await databaseDigest(api.db);
    assert.equal((await fetch()).status, 404);
    assert.deepEqual(await databaseDigest(api.db), before, "nor is it used up");
    await owner`update users set status = 'active' where id = ${bob.userId}`;
  });
  await t.step("suspended", async () => {
    await owner`update tenants set status = 'suspended' where id = ${acme.tenantId}`;
    assert.equal((await fetch()).status, 404);
    await owner`update tenants set status = 'active' where id = ${acme.tenantId}`;
  });
  assert.equal((await fetch()).status, 200);
});

Deno.test("deliveries: a key that cannot be swapped in leaves the file where it was", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const made = await createPeer(api, acme, { delivery: "link" });
  const taken = (await createPeer(api, acme)).peer.public_key;
  const before = await databaseDigest(api.db);
  const reply = await redeemDelivery(api, { token: made.delivery.token, public_key: taken });
  assert.equal(reply.status, 409);
  assert.equal(reply.body.code, "public_key_taken");
  assert.deepEqual(await databaseDigest(api.db), before);
  assert.equal((await redeemDelivery(api, { token: made.delivery.token })).status, 200);
});
