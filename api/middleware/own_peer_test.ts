import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  operator,
  peerOf,
  type RequestOptions,
  testApi,
} from "../../tests/support/api.ts";

Deno.test("login: T10: where the tenant demands it, a log-in comes through the user's own peer and no other way", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const own = (await peerOf(api, acme, { user_id: acme.userId })).via;
  const unbound = (await peerOf(api, acme)).via;
  const login = async (via: RequestOptions["via"] & object, email = acme.email) =>
    (await api.request("/api/v1/auth/login", {
      tenant: "acme",
      via,
      body: { email, password: acme.password },
    })).body.code ?? "in";
  assert.equal(await login(unbound), "in");
  const set = await api.request("/api/v1/tenants/current", {
    method: "PATCH",
    token: acme.token,
    body: { login_own_peer: true },
  });
  assert.equal(set.body.login_own_peer, true, set.text);
  assert.equal(await login(own), "in");
  for (const via of [unbound, loopback]) {
    assert.equal(await login(via), "wrong_tunnel");
    assert.equal(await login(via, "nobody@acme.example"), "wrong_tunnel", "known or not");
  }
  const entries = await api.db.owner`
    select tenant_id, peer_id is not null as through_a_peer from audit_log
    where action = 'tunnel.refuse' order by id`;
  assert.deepEqual(
    entries.map((entry) => [entry.tenant_id, entry.through_a_peer]),
    [[acme.tenantId, true], [acme.tenantId, true], [acme.tenantId, false], [acme.tenantId, false]],
  );
});

Deno.test("app: T10: a session that was opened another way does not go on once the tenant demands the user's own peer", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const own = (await peerOf(api, acme, { user_id: acme.userId })).via;
  const unbound = (await peerOf(api, acme)).via;
  const use = async (via: RequestOptions["via"] & object) =>
    (await api.request("/api/v1/auth/me", { token: acme.token, via })).body.code ?? "in";
  // The newest token always: that is the one which rotates without a look at the row.
  let newest = acme.refreshToken;
  const refresh = async (via: RequestOptions["via"] & object) => {
    const { body } = await api.request("/api/v1/auth/refresh", {
      body: { refresh_token: newest },
      via,
    });
    newest = body.refresh_token ?? newest;
    return body.code ?? "in";
  };
  for (const via of [own, unbound, loopback]) {
    assert.deepEqual([await use(via), await refresh(via)], ["in", "in"]);
  }
  const demand = (login_own_peer: boolean) =>
    api.request("/api/v1/tenants/current", {
      method: "PATCH",
      tenant: "acme",
      body: { login_own_peer },
    });
  assert.equal((await demand(true)).status, 200);
  for (const via of [unbound, loopback, operator]) {
    assert.deepEqual([await use(via), await refresh(via)], ["wrong_tunnel", "wrong_tunnel"]);
  }
  assert.deepEqual([await use(own), await refresh(own)], ["in", "in"]);
  const entries = await api.db.owner`
    select distinct tenant_id, details->>'user_id' as user_id from audit_log
    where action = 'tunnel.refuse'`;
  assert.deepEqual([...entries], [{ tenant_id: acme.tenantId, user_id: String(acme.userId) }]);
  // The operator can always take it back.
  assert.equal((await demand(false)).status, 200);
  assert.equal(await use(loopback), "in");
});
