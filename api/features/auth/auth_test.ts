import assert from "node:assert/strict";
import { me, refresh } from "../../../tests/support/session_calls.ts";
import { adminOf, logIn, loopback, type Persona, testApi } from "../../../tests/support/api.ts";

Deno.test("me: shows the caller as the database knows it now", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const reply = await me(api, acme.token);
  assert.equal(reply.status, 200);
  assert.equal(reply.body.email, acme.email);
  assert.equal(reply.body.mfa_enabled, false);
  assert.deepEqual(reply.body.tenant, {
    id: acme.tenantId,
    slug: "acme",
    name: "The acme company",
  });
});

Deno.test("me: A1: a token ends with its session, its user and its tenant", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ends: Record<string, (who: Persona) => Promise<unknown>> = {
    "log-out": (who) =>
      api.request("/api/v1/auth/logout", { via: loopback, method: "POST", token: who.token }),
    "deactivation": (who) =>
      api.db
        .owner`update users set status = 'inactive' where tenant_id = ${who.tenantId} and id = ${who.userId}`,
    "suspension": (who) =>
      api.db.owner`update tenants set status = 'suspended' where id = ${who.tenantId}`,
  };
  for (const [name, end] of Object.entries(ends)) {
    await t.step(name, async () => {
      const email = `${name}@acme.example`;
      const made = await api.request("/api/v1/users", { tenant: "acme", body: { email } });
      const who = await logIn(api, {
        ...acme,
        userId: made.body.user.id,
        email,
        password: made.body.password,
      });
      assert.equal((await me(api, who.token)).status, 200);
      await end(who);
      const after = await me(api, who.token);
      assert.equal(after.status, 401);
      assert.equal(after.body.code, "invalid_token");
      assert.match(after.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
      assert.equal((await refresh(api, who.refreshToken)).status, 401);
    });
  }
});

Deno.test("logout: ends this session, all, or all others", async () => {
  await using api = await testApi();
  const here = await adminOf(api, "acme");
  const there = await logIn(api, here);
  const elsewhere = await logIn(api, here);
  const logout = (token: string, body?: unknown) =>
    api.request("/api/v1/auth/logout", {
      via: loopback,
      method: "POST",
      token,
      ...(body ? { body } : {}),
    });
  const states = async () =>
    await Promise.all(
      [here, there, elsewhere].map(async (who) => (await me(api, who.token)).status),
    );

  assert.deepEqual((await logout(elsewhere.token)).body, { sessions_ended: 1 });
  assert.deepEqual(await states(), [200, 200, 401]);
  assert.deepEqual((await logout(here.token, { except_current: true })).body, {
    sessions_ended: 1,
  });
  assert.deepEqual(await states(), [200, 401, 401]);
  const again = await logIn(api, here);
  assert.deepEqual((await logout(here.token, { all_sessions: true })).body, { sessions_ended: 2 });
  assert.deepEqual(await states(), [401, 401, 401]);
  assert.equal((await me(api, again.token)).status, 401);
});

Deno.test("me: a token of the last minutes ends with its session", async () => {
  await using api = await testApi({
    env: { SESSION_LIFETIME: "10m", REFRESH_TOKEN_LIFETIME: "10m" },
  });
  const acme = await adminOf(api, "acme");
  api.clock.advance(10 * 60_000 - 1);
  assert.equal((await me(api, acme.token)).status, 200);
  api.clock.advance(1);
  assert.equal((await me(api, acme.token)).status, 401, "the token itself is good for 15 minutes");
});
