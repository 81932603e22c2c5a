import assert from "node:assert/strict";
import { createPeer, redeemDelivery } from "../../../tests/support/peer_calls.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import {
  adminOf,
  loopback,
  type RequestOptions,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";

const base = "/api/v1/wireguard/peers";

Deno.test("enrolment: such a peer reaches what enrolment needs, fetches for its owner alone, and ends by it", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const eve = await userOf(api, acme, { email: "eve@acme.example" });
  const { peer } = await createPeer(api, acme, { kind: "enrolment", user_id: bob.userId });
  assert.equal(peer.kind, "enrolment");
  const life = Date.parse(peer.expires_at) - api.clock.now();
  assert(life > 23 * 3_600_000 && life <= 24 * 3_600_000);
  const via = tunnelFrom(peer.address);

  await t.step("it is confined", async () => {
    assert.equal((await api.request("/api/v1/info", { via })).status, 200);
    const calls: [string, RequestOptions][] = [
      ["/api/v1/auth/login", {
        tenant: "acme",
        body: { email: bob.email, password: bob.password },
      }],
      ["/api/v1/auth/refresh", { body: { refresh_token: bob.refreshToken } }],
      ["/api/v1/auth/me", { token: bob.token }],
      ["/api/v1/wireguard/me/peers", { token: bob.token }],
      ["/api/v1/wireguard/peers", { token: bob.token, body: { name: "x" } }],
      ["/api/v1/wireguard/deliveries/../peers", { token: bob.token }],
    ];
    for (const [path, call] of calls) {
      const reply = await api.request(path, { via, ...call });
      assert.equal(reply.status, 403, path);
      assert.equal(reply.body.code, "enrolment_only");
    }
  });

  await t.step("it fetches nothing of somebody else, and spoils nothing", async () => {
    const { delivery } = await createPeer(api, acme, { delivery: "link", user_id: eve.userId });
    assert.equal((await redeemDelivery(api, { token: delivery.token }, { via })).status, 404);
    assert.equal((await redeemDelivery(api, { token: delivery.token })).status, 200);
  });

  await t.step("it fetches its owner's file, and ends half a minute later", async () => {
    const { delivery } = await createPeer(api, acme, { delivery: "link", user_id: bob.userId });
    const { publicKey } = await generateKeyPair();
    const reply = await redeemDelivery(api, { token: delivery.token, public_key: publicKey }, {
      via,
    });
    assert.equal(reply.status, 200, reply.text);
    const [row] = await api.db.owner`select expires_at from wg_peers where id = ${peer.id}`;
    assert.equal(row?.expires_at.getTime(), api.clock.now() + 30_000);
  });
});

Deno.test("enrolment: what such a peer is refused is counted, so that no more is written of it than its limit has room for", async () => {
  await using api = await testApi({ env: { RATE_LIMIT_ANONYMOUS: "4" } });
  const acme = await adminOf(api, "acme");
  const { peer } = await createPeer(api, acme, { kind: "enrolment" });
  const statuses: number[] = [];
  for (let n = 0; n < 8; n++) {
    const { status } = await api.request("/api/v1/wireguard/peers", {
      via: tunnelFrom(peer.address),
    });
    statuses.push(status);
  }
  const [row] = await api.db.owner<{ entries: number }[]>`
    select count(*)::int as entries from audit_log where action = 'tunnel.refuse'`;
  const refused = statuses.filter((status) => status === 403).length;
  assert.ok(refused >= 1 && refused <= 5 && statuses.at(-1) === 429, statuses.join());
  assert.equal(row?.entries, refused);
});

Deno.test("enrolment: lasts a day at most", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const reply = await api.request(base, {
    via: loopback,
    token: acme.token,
    body: {
      name: "x",
      kind: "enrolment",
      expires_at: new Date(api.clock.now() + 25 * 3_600_000).toISOString(),
    },
  });
  assert.equal(reply.status, 422);
  assert.equal(reply.body.errors[0].code, "too_late");
});

Deno.test("enrolment: no change makes it last longer", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { peer } = await createPeer(api, acme, { kind: "enrolment", user_id: bob.userId });
  const late = new Date(api.clock.now() + 25 * 3_600_000).toISOString();
  for (const who of [acme, bob]) {
    for (const expires_at of [null, late]) {
      const path = who === bob ? "/api/v1/wireguard/me/peers" : base;
      const reply = await api.request(`${path}/${peer.id}`, {
        method: "PATCH",
        via: loopback,
        token: who.token,
        body: { expires_at },
      });
      if (who === bob) {
        assert.equal(reply.body.code, "set_by_admin", reply.text);
        continue;
      }
      assert.equal(reply.status, 422, reply.text);
      assert.deepEqual(reply.body.errors, [{
        path: "expires_at",
        code: "too_late",
        message: "an enrolment peer lasts at most 24 hours",
      }]);
    }
  }
});
