import assert from "node:assert/strict";
import { generateKeyPair, isWireGuardKey } from "../../../lib/wireguard_key.ts";
import {
  adminOf,
  loopback,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";
import { apiProcess } from "../../../tests/support/api_process.ts";
import { databaseDigest } from "../../../tests/support/snapshot.ts";
import { until } from "../../../tests/support/until.ts";
import { createDeliveryEraser } from "../deliveries/mod.ts";
import { deliveryLifetimeMs } from "../deliveries/token.ts";

const base = "/api/v1/wireguard/peers";

async function create(api: TestApi, who: Persona, body: Record<string, unknown> = {}) {
  const reply = await api.request(base, {
    via: loopback,
    token: who.token,
    body: { name: "laptop", ...body },
  });
  assert.equal(reply.status, 201, reply.text);
  return reply.body;
}

const redeem = (api: TestApi, body: unknown, more: RequestOptions = {}) =>
  api.request("/api/v1/wireguard/deliveries", { via: loopback, tenant: "acme", body, ...more });

Deno.test("deliveries: a file asked for as a link is fetched once, and the database never had it in clear", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const made = await create(api, acme, { delivery: "link" });
  assert.equal(made.config, null);
  assert.equal(made.qr, null);
  assert.match(made.delivery.token, /^[A-Za-z0-9_-]{43}$/);
  const dump = JSON.stringify([
    ...await api.db.owner`select wg_deliveries::text from wg_deliveries`,
    ...await api.db.owner`select wg_peers::text from wg_peers`,
    ...await api.db.owner`select audit_log::text from audit_log`,
  ]) + api.log.join("\n");

  const fetched = await redeem(api, { token: made.delivery.token });
  assert.equal(fetched.status, 200, fetched.text);
  assert.equal(fetched.body.peer.id, made.peer.id);
  assert.match(fetched.body.qr.svg, /^<svg /);
  const privateKey = /^PrivateKey = (.*)$/m.exec(fetched.body.config)?.[1] ?? "";
  assert(isWireGuardKey(privateKey));
  for (const secret of [privateKey, made.delivery.token]) assert(!dump.includes(secret));

  const [left] = await api.db.owner`select count(*)::int as n from wg_deliveries`;
  assert.equal(left?.n, 0, "erased on delivery");
  assert.equal((await redeem(api, { token: made.delivery.token })).status, 404);
});

Deno.test("deliveries: of fifty who ask at once, one gets the file", async () => {
  await using api = await testApi();
  const { delivery } = await create(api, await adminOf(api, "acme"), { delivery: "link" });
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => redeem(api, { token: delivery.token })),
  );
  assert.equal(replies.filter((reply) => reply.status === 200).length, 1);
  assert.equal(replies.filter((reply) => reply.status === 404).length, 49);
});

Deno.test("deliveries: what is wrong, old, another tenant's, or of a peer that changed or went is unknown", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  const fresh = async () => (await create(api, acme, { delivery: "link" }));
  const cases: Record<string, () => ReturnType<typeof redeem>> = {
    "made up": () => redeem(api, { token: "A".repeat(43) }),
    "not a token": () => redeem(api, { token: "' or 1=1 --" }),
    "another tenant": async () => {
      const { delivery } = await fresh();
      return redeem(api, { token: delivery.token }, { tenant: "other" });
    },
    "an unknown tenant": async () => {
      const { delivery } = await fresh();
      return redeem(api, { token: delivery.token }, { tenant: "nowhere" });
    },
    "a removed peer": async () => {
      const { peer, delivery } = await fresh();
      await api.request(`${base}/${peer.id}`, {
        method: "DELETE",
        token: acme.token,
        via: loopback,
      });
      return redeem(api, { token: delivery.token });
    },
    "a rotated peer": async () => {
      const { peer, delivery } = await fresh();
      await api.request(`${base}/${peer.id}/rotate`, {
        body: {},
        token: acme.token,
        via: loopback,
      });
      return redeem(api, { token: delivery.token });
    },
    "expired": async () => {
      const { delivery } = await fresh();
      api.clock.advance(deliveryLifetimeMs);
      return redeem(api, { token: delivery.token });
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

Deno.test("deliveries: what nobody fetched in time is erased by itself, in every tenant, and nothing else", async (t) => {
  const inProcess = "asks the eraser of this process";
  await using api = await testApi({ inProcess, env: { ACCESS_TOKEN_LIFETIME: "1h" } });
  const [acme, other] = [await adminOf(api, "acme"), await adminOf(api, "other")];
  const waiting = async () =>
    (await api.db.owner`select peer_id from wg_deliveries`).map((row) => row.peer_id).sort();
  const late = [];
  for (const who of [acme, acme, other]) late.push(await create(api, who, { delivery: "link" }));
  api.clock.advance(deliveryLifetimeMs - 1);
  const inTime = await create(api, acme, { delivery: "link" });
  const all = [...late, inTime].map(({ peer }) => peer.id).sort();
  const { deliveryEraser } = api.deps;

  await t.step("not before its end", async () => {
    assert.equal(await deliveryEraser.erase(), 0);
    assert.deepEqual(await waiting(), all);
  });
  await t.step("of all tenants, however many processes ask at once", async () => {
    api.clock.advance(1);
    const peers = await api.db.owner`select wg_peers::text from wg_peers order by id`;
    const counts = await Promise.all(Array.from({ length: 8 }, () => deliveryEraser.erase()));
    assert.equal(counts.reduce((sum, n) => sum + n), 3);
    assert.deepEqual(await waiting(), [inTime.peer.id]);
    assert.deepEqual(await api.db.owner`select wg_peers::text from wg_peers order by id`, peers);
    assert.equal((await redeem(api, { token: inTime.delivery.token })).status, 200);
  });
  await t.step("again and again, past a tenant whose rows do not go", async () => {
    const stuck = await create(api, acme, { delivery: "link" });
    await create(api, other, { delivery: "link" });
    await api.db.owner.unsafe(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'stuck'; end $$;
      create trigger refuse before delete on wg_deliveries for each row
        when (old.tenant_id = ${acme.tenantId}) execute function refuse()`);
    const eraser = createDeliveryEraser({ ...api.deps, everyMs: 20 });
    eraser.start();
    api.clock.advance(deliveryLifetimeMs);
    await until("the other tenant's is erased", async () => (await waiting()).length === 1);
    assert.deepEqual(await waiting(), [stuck.peer.id]);
    await until(
      "it is said",
      () => api.log.some((line) => line.includes("files that nobody fetched are not erased")),
    );
    await api.db.owner`drop trigger refuse on wg_deliveries`;
    await until("then its own", async () => (await waiting()).length === 0);
    await eraser.close();
  });
});

Deno.test("deliveries: an API that starts erases what ended while none ran", async () => {
  await using api = await testApi();
  await create(api, await adminOf(api, "acme"), { delivery: "link" });
  await api.db.owner`
    update wg_deliveries set created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour'`;
  await using running = await apiProcess(api);
  await until(
    "it is erased",
    async () => (await api.db.owner`select from wg_deliveries`).length === 0,
    { timeoutMs: 20_000 },
  ).catch((cause) => {
    throw new Error(running.log.join("\n"), { cause });
  });
});

Deno.test("deliveries: the address a preview fetches burns nothing", async () => {
  await using api = await testApi();
  const { delivery } = await create(api, await adminOf(api, "acme"), { delivery: "link" });
  for (const method of ["GET", "HEAD", "OPTIONS"]) {
    const reply = await api.request(`/api/v1/wireguard/deliveries?token=${delivery.token}`, {
      method,
      via: loopback,
      tenant: "acme",
    });
    assert.equal(reply.status, 404);
  }
  assert.equal((await redeem(api, { token: delivery.token })).status, 200);
});

Deno.test("deliveries: with a key of one's own the peer gets that key, and the old one retires", async () => {
  await using api = await testApi();
  const made = await create(api, await adminOf(api, "acme"), { delivery: "link" });
  const { publicKey } = await generateKeyPair();
  const reply = await redeem(api, { token: made.delivery.token, public_key: publicKey });
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
  const made = await create(api, await adminOf(api, "acme"), {
    delivery: "link",
    public_key: publicKey,
  });
  const { token } = made.delivery;
  const reply = await redeem(api, { token }, { headers: { accept: "image/svg+xml" } });
  assert.equal(reply.status, 406);
  assert.equal((await redeem(api, { token })).status, 200);
});

Deno.test("deliveries: a peer that goes to somebody else takes no waiting file along", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { peer, delivery } = await create(api, acme, { delivery: "link" });
  const change = (body: unknown) =>
    api.request(`${base}/${peer.id}`, { method: "PATCH", token: acme.token, via: loopback, body });
  assert.equal((await change({ name: "renamed" })).status, 200);
  const [waiting] = await api.db.owner`select count(*)::int as n from wg_deliveries`;
  assert.equal(waiting?.n, 1);
  assert.equal((await change({ user_id: bob.userId })).status, 200);
  assert.equal((await redeem(api, { token: delivery.token })).status, 404);
});

Deno.test("deliveries: T10: on the tunnel a header that names another tenant is refused and audited", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  const via = tunnelFrom((await create(api, acme)).peer.address);
  const { delivery } = await create(api, acme, { delivery: "link" });
  for (const tenant of ["other", "nowhere"]) {
    const reply = await redeem(api, { token: delivery.token }, { via, tenant });
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
  const { delivery } = await create(api, acme, { delivery: "link", user_id: bob.userId });
  const fetch = () => redeem(api, { token: delivery.token });
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
  const made = await create(api, acme, { delivery: "link" });
  const taken = (await create(api, acme)).peer.public_key;
  const before = await databaseDigest(api.db);
  const reply = await redeem(api, { token: made.delivery.token, public_key: taken });
  assert.equal(reply.status, 409);
  assert.equal(reply.body.code, "public_key_taken");
  assert.deepEqual(await databaseDigest(api.db), before);
  assert.equal((await redeem(api, { token: made.delivery.token })).status, 200);
});

Deno.test("enrolment: such a peer reaches what enrolment needs, fetches for its owner alone, and ends by it", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const eve = await userOf(api, acme, { email: "eve@acme.example" });
  const { peer } = await create(api, acme, { kind: "enrolment", user_id: bob.userId });
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
    const { delivery } = await create(api, acme, { delivery: "link", user_id: eve.userId });
    assert.equal((await redeem(api, { token: delivery.token }, { via })).status, 404);
    assert.equal((await redeem(api, { token: delivery.token })).status, 200);
  });

  await t.step("it fetches its owner's file, and ends half a minute later", async () => {
    const { delivery } = await create(api, acme, { delivery: "link", user_id: bob.userId });
    const { publicKey } = await generateKeyPair();
    const reply = await redeem(api, { token: delivery.token, public_key: publicKey }, { via });
    assert.equal(reply.status, 200, reply.text);
    const [row] = await api.db.owner`select expires_at from wg_peers where id = ${peer.id}`;
    assert.equal(row?.expires_at.getTime(), api.clock.now() + 30_000);
  });
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
  const { peer } = await create(api, acme, { kind: "enrolment", user_id: bob.userId });
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
