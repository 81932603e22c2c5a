import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  peerOf,
  type Persona,
  type RequestOptions,
  testApi,
  tunnelFrom,
  userOf,
} from "../support/api.ts";
import { isPublic, operations } from "../support/operations.ts";
import { assertRefused } from "../support/refusals.ts";
import { beginLogIn, equip } from "../support/totp.ts";
import { until } from "../support/until.ts";
import { databaseDigest } from "../support/database_digest.ts";

Deno.test("app: T10: on the tunnel, every operation refuses a source that is no live peer", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { address: gone } = await peerOf(api, acme);
  const { address: disabled } = await peerOf(api, acme);
  await api.db.owner`update wg_peers set deleted_at = now() where host(address) = ${gone}`;
  await api.db.owner`update wg_peers set enabled = false where host(address) = ${disabled}`;
  for (const operation of await operations(api)) {
    if (!operation.template.startsWith("/api/")) continue;
    const addresses = ["10.10.0.250", "10.10.0.1", "192.0.2.9", "::1", gone, disabled];
    await assertRefused(
      api,
      operation,
      Object.fromEntries(addresses.map((address) => [
        address,
        { via: tunnelFrom(address), token: acme.token, tenant: "acme" },
      ])),
      { status: 403, code: "wrong_tunnel" },
    );
  }
});

Deno.test("app: T3: a peer whose owner is deactivated, or whose tenant is suspended, is none to the API, with no daemon there", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const own = await peerOf(api, acme, { user_id: bob.userId });
  const machine = await peerOf(api, acme);
  const seen = async () =>
    await Promise.all(
      [own, machine].map(async ({ via }) => (await api.request("/api/v1/info", { via })).status),
    );
  const see = (...expected: number[]) =>
    until(`both answer ${expected}`, async () => `${await seen()}` === `${expected}`);
  const order = (path: string) => api.request(`/api/v1${path}`, { method: "POST", tenant: "acme" });
  await see(200, 200);
  await order(`/users/${bob.userId}/deactivate`);
  await see(403, 200);
  await order(`/users/${bob.userId}/activate`);
  await see(200, 200);
  await order(`/tenants/${acme.tenantId}/suspend`);
  await see(403, 403);
  await order(`/tenants/${acme.tenantId}/resume`);
  await see(200, 200);
});

Deno.test("app: T10: a token works only through a peer of its tenant, and the refusal is audited there", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const theirs = (await peerOf(api, other)).via;
  for (const operation of await operations(api)) {
    if (isPublic(operation)) continue;
    await assertRefused(api, operation, { "": { via: theirs, token: acme.token } }, {
      status: 403,
      code: "wrong_tunnel",
      writes: ["audit_log"],
    });
  }
  // N3: whose token it was is told to that user's own tenant alone.
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const bobs = (await peerOf(api, acme, { user_id: bob.userId })).via;
  assert.equal(
    (await api.request("/api/v1/auth/me", { via: bobs, token: acme.token })).status,
    403,
  );
  const rows = await api.db.owner`
    select distinct tenant_id, outcome, details from audit_log where action = 'tunnel.refuse'
    order by tenant_id desc`;
  const reason = "token of another owner";
  assert.deepEqual(rows.map((row) => ({ ...row })), [
    { tenant_id: other.tenantId, outcome: "refused", details: { reason } },
    { tenant_id: acme.tenantId, outcome: "refused", details: { reason, user_id: acme.userId } },
  ]);
});

Deno.test("app: T10: what an enrolment peer is refused is audited with its tenant, as often as it may ask", async () => {
  await using api = await testApi({
    inProcess: "counts what one process did",
    env: { RATE_LIMIT_ANONYMOUS: "3" },
  });
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const { via, id } = await peerOf(api, acme, { kind: "enrolment" });
  const path = "/api/v1/wireguard/peers";
  // Whatever it brings along, and be it nobody's address that is asked for.
  const calls: [string, RequestOptions][] = [
    [path, { token: acme.token }],
    [path, { token: other.token, tenant: "other", body: { name: "x" } }],
    ["/api/v1/nowhere", {}],
  ];
  const digest = () => databaseDigest(api.db, { except: ["audit_log"] });
  const before = await digest();
  const codes = [];
  for (const [at, call] of [...calls, ...calls]) {
    codes.push((await api.request(at, { via, ...call })).body.code);
  }
  assert.deepEqual(codes, [
    ...["enrolment_only", "enrolment_only", "enrolment_only"],
    ...["rate_limited", "rate_limited", "rate_limited"],
  ]);
  assert.deepEqual(await digest(), before);
  const entries = await api.db.owner`
    select tenant_id, actor, actor_user_id, outcome, target_id, peer_id, details
    from audit_log where action = 'tunnel.refuse'`;
  assert.deepEqual(
    entries.map((row) => ({ ...row })),
    calls.map(() => ({
      tenant_id: acme.tenantId,
      actor: "anonymous",
      actor_user_id: null,
      outcome: "refused",
      target_id: id,
      peer_id: id,
      details: { reason: "enrolment peer" },
    })),
  );
});

Deno.test("app: T10: a peer with an owner carries nobody else's token, refresh token or log-in", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const bobs = (await peerOf(api, acme, { user_id: bob.userId })).via;
  const unbound = (await peerOf(api, acme)).via;
  const me = (via: RequestOptions["via"], who: Persona) =>
    api.request("/api/v1/auth/me", { token: who.token, ...(via ? { via } : {}) });
  const login = (via: RequestOptions["via"], who: Persona, tenant = "acme") =>
    api.request("/api/v1/auth/login", {
      tenant,
      body: { email: who.email, password: who.password },
      ...(via ? { via } : {}),
    });
  const refresh = (via: RequestOptions["via"], who: Persona) =>
    api.request("/api/v1/auth/refresh", {
      body: { refresh_token: who.refreshToken },
      ...(via ? { via } : {}),
    });

  assert.equal((await me(bobs, bob)).status, 200);
  assert.equal((await login(bobs, bob)).status, 200);
  assert.equal((await me(unbound, acme)).status, 200);
  assert.equal((await login(unbound, acme)).status, 200);
  for (const reply of [await me(bobs, acme), await login(bobs, acme), await refresh(bobs, acme)]) {
    assert.equal(reply.status, 403);
    assert.equal(reply.body.code, "wrong_tunnel");
  }
  // Another tenant's name is refused like one that does not exist: neither tells whether there is such a tenant.
  await adminOf(api, "other");
  const [foreign, unknown] = [await login(bobs, bob, "other"), await login(bobs, bob, "nowhere")];
  assert.equal(foreign.status, 403);
  assert.deepEqual({ ...foreign.body, request_id: "" }, { ...unknown.body, request_id: "" });
});

Deno.test("app: T10: whatever tenant a stolen token's thief names, he is refused as of another tunnel and audited", async () => {
  await using api = await testApi();
  const acme = await equip(api, await adminOf(api, "acme"));
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const other = await adminOf(api, "other");
  const demanded = await api.request(`/api/v1/users/${bob.userId}/mfa`, {
    method: "PUT",
    tenant: "acme",
    body: { required: true },
  });
  assert.equal(demanded.status, 200, demanded.text);
  const begun = await api.request("/api/v1/auth/login", {
    via: loopback,
    tenant: "acme",
    body: { email: bob.email, password: bob.password },
  });
  const { key } = (await api.request("/api/v1/api-keys", {
    via: loopback,
    token: acme.token,
    body: { name: "peers", scopes: ["wireguard.read"] },
  })).body;
  const mfa_session_token = await beginLogIn(api, acme);
  const tries: [path: string, RequestOptions][] = [
    ["/auth/me", { token: acme.token }],
    ["/wireguard/peers", { headers: { "X-API-Key": key } }],
    ["/auth/refresh", { body: { refresh_token: acme.refreshToken } }],
    ["/mfa/setup", { method: "POST", token: begun.body.mfa_setup_token }],
    ["/auth/login/mfa", { body: { mfa_session_token, code: "123456" } }],
  ];
  const ways = [
    {
      of: other,
      via: (await peerOf(api, other)).via,
      named: ["other", "acme", "nowhere", undefined],
    },
    // Through a peer of its own tenant too, what is named must be that tenant.
    { of: acme, via: (await peerOf(api, acme)).via, named: ["other", "nowhere"] },
  ];
  for (const { of, via, named } of ways) {
    for (const tenant of named) {
      for (const [path, options] of tries) {
        // Without a token in its header, this one says whose it is by name alone.
        if (tenant === undefined && path === "/auth/login/mfa") continue;
        const [last] = await api.db.owner`select max(id) as id from audit_log`;
        const reply = await api.request(`/api/v1${path}`, {
          ...options,
          via,
          ...(tenant === undefined ? {} : { tenant }),
        });
        const about = `${path}, through ${of.slug}'s peer, named ${tenant}`;
        assert.deepEqual([reply.status, reply.body.code], [403, "wrong_tunnel"], about);
        const entries = await api.db.owner`
          select tenant_id, action, outcome, details->>'reason' as reason
          from audit_log where id > ${last?.id}`;
        assert.deepEqual(
          entries.map(({ reason: _, ...entry }) => entry),
          [{ tenant_id: of.tenantId, action: "tunnel.refuse", outcome: "refused" }],
          about,
        );
        // Named as the peer's own, it is the token that does not belong there.
        if (tenant === of.slug) assert.match(entries[0]?.reason, / of another owner/, about);
      }
    }
  }
});

Deno.test("info: shows the caller as the tunnel sees it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { id, address, via } = await peerOf(api, acme);
  const reply = await api.request("/api/v1/info", { via });
  assert.equal(reply.status, 200);
  assert.deepEqual(reply.body.caller, {
    via: "tunnel",
    address,
    peer_id: id,
    tenant_id: acme.tenantId,
  });
});
