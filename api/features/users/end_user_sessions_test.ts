import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  type Persona,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";

Deno.test("user sessions: A1: whoever looks after security ends all of one user's, and the trust in his devices", async () => {
  await using api = await testApi();
  const [acme, globex] = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  const phone = await logIn(api, bob);
  await api.db.owner`
    insert into mfa_trusted_devices (tenant_id, id, user_id, token_digest, device_name, user_agent, created_at, expires_at)
    values (${acme.tenantId}, gen_random_uuid(), ${bob.userId}, sha256('x'), '', '', now(), now() + interval '1 day')`;
  const as = ({ token }: Persona) => ({ via: loopback, token });
  const end = (who: Persona, id = bob.userId) =>
    api.request(`/api/v1/users/${id}/sessions`, { ...as(who), method: "DELETE" });
  assert.equal((await end(manager)).body.code, "forbidden");
  assert.equal((await end(bob)).body.code, "forbidden");
  assert.equal((await end(globex)).status, 404);
  const desk = await api.request("/api/v1/roles", {
    ...as(acme),
    body: { name: "desk", permissions: ["users.security"] },
  });
  await api.request(`/api/v1/users/${manager.userId}/roles`, {
    ...as(acme),
    body: { role_id: desk.body.id },
  });
  assert.equal((await end(manager, acme.userId)).body.code, "grant_exceeds_own");
  assert.equal((await api.request("/api/v1/auth/me", as(phone))).status, 200);

  const done = await end(manager);
  assert.deepEqual([done.status, done.body], [200, { sessions_ended: 2 }], done.text);
  for (const { token, refreshToken } of [bob, phone]) {
    assert.equal((await api.request("/api/v1/auth/me", { token })).status, 401);
    const refresh = await api.request("/api/v1/auth/refresh", {
      body: { refresh_token: refreshToken },
    });
    assert.equal(refresh.status, 401);
  }
  const [left] = await api.db.owner`select count(*)::int as n from mfa_trusted_devices`;
  assert.equal(left?.n, 0);
  for (const who of [acme, manager, globex]) {
    assert.equal((await api.request("/api/v1/auth/me", as(who))).status, 200, "nobody else's");
  }
  const entries = await api.db.owner`
    select actor_user_id, target_id, details from audit_log where action = 'session.end'`;
  assert.deepEqual(entries.map((entry) => ({ ...entry })), [{
    actor_user_id: manager.userId,
    target_id: String(bob.userId),
    details: { reason: "revoked", sessions_ended: 2 },
  }]);
  assert.equal((await logIn(api, bob)).email, bob.email, "and he may come back");
});
