import assert from "node:assert/strict";
import { decodeProtectedHeader } from "jose";
import {
  adminOf,
  logIn,
  loopback,
  type RequestOptions,
  type TestApi,
  testApi,
  tunnelFrom,
  userOf,
} from "../support/api.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

/** Two APIs on one database share nothing but it, as two processes would. */

const me = async (api: TestApi, token: string) =>
  (await api.request("/api/v1/auth/me", { via: loopback, token })).status;

Deno.test("app: A1: what one API process ends is over in every other with its next request", async () => {
  await using here = await testApi();
  await using there = await testApi({ beside: here });
  const acme = await adminOf(here, "acme");
  const own = { token: acme.token };
  const users = here.db.owner;
  const colleague = () => userOf(here, acme, { email: `${crypto.randomUUID()}@acme.example` });
  const ends: Record<string, (who: Awaited<ReturnType<typeof colleague>>) => Promise<unknown>> = {
    "a log-out": (who) => here.request("/api/v1/auth/logout", { method: "POST", token: who.token }),
    "the end of all sessions": (who) =>
      here.request("/api/v1/sessions", { method: "DELETE", token: who.token }),
    "a deactivation": (who) =>
      users`update users set status = 'inactive' where tenant_id = ${who.tenantId} and id = ${who.userId}`,
    "a reuse": async (who) => {
      const refresh = (refresh_token: string) =>
        here.request("/api/v1/auth/refresh", { via: loopback, body: { refresh_token } });
      const second = await refresh(who.refreshToken);
      await refresh(second.body.refresh_token);
      here.clock.advance(10_001);
      assert.equal((await refresh(who.refreshToken)).status, 401);
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    const who = await colleague();
    assert.equal(await me(there, who.token), 200, name);
    await end(who);
    assert.equal(await me(there, who.token), 401, name);
    const refreshed = await there.request("/api/v1/auth/refresh", {
      via: loopback,
      body: { refresh_token: who.refreshToken },
    });
    assert.equal(refreshed.status, 401, name);
  }
  // Roles and keys as well.
  const manager = await userOf(here, acme, { email: "m@acme.example", role: "manager" });
  const peers = async (options: RequestOptions) =>
    (await there.request("/api/v1/wireguard/peers", options)).status;
  assert.equal(await peers({ token: manager.token }), 200);
  await users`delete from user_roles where tenant_id = ${manager.tenantId} and user_id = ${manager.userId}`;
  assert.equal(await peers({ token: manager.token }), 403);
  const made = await here.request("/api/v1/api-keys", {
    ...own,
    body: { name: "key", scopes: ["wireguard.read"] },
  });
  const byKey = { headers: { "x-api-key": made.body.key } };
  assert.equal(await peers(byKey), 200);
  await here.request(`/api/v1/api-keys/${made.body.api_key.id}`, { ...own, method: "DELETE" });
  assert.equal(await peers(byKey), 401);
  // Last, the tenant.
  await here.db.owner`update tenants set status = 'suspended' where id = ${acme.tenantId}`;
  assert.equal(await me(there, acme.token), 401);
});

Deno.test("app: A1: a peer that one API process disables is no way into any other within a second", async () => {
  await using here = await testApi();
  await using there = await testApi({ beside: here });
  const acme = await adminOf(here, "acme");
  const { peer } = (await here.request("/api/v1/wireguard/peers", {
    token: acme.token,
    body: { name: "peer" },
  })).body;
  const through = async () =>
    (await there.request("/api/v1/auth/me", { token: acme.token, via: tunnelFrom(peer.address) }))
      .status;
  assert.equal(await through(), 200, "and is remembered from here on");
  await here.db.owner`update wg_peers set enabled = false where id = ${peer.id}`;
  using watch = stopwatch();
  await until("the other refuses it", async () => await through() === 403, { everyMs: 5 });
  assert(watch.ms() < 1000, `${watch.ms()} ms`);
});

Deno.test("app: A1: keys are rotated one process after the other, nobody is logged out, and a dropped key ends its tokens", async () => {
  const key = (kid: string) => ({
    kty: "oct",
    alg: "HS256",
    kid,
    k: crypto.getRandomValues(new Uint8Array(32)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    }),
  });
  const [old, next] = [key("old"), key("new")];
  const ring = (...keys: unknown[]) => ({ JWT_SECRET: "", JWT_KEYS: JSON.stringify({ keys }) });
  await using first = await testApi({ env: ring(old) });
  const acme = await adminOf(first, "acme");
  const kid = (token: string) => decodeProtectedHeader(token).kid;
  assert.equal(kid(acme.token), "old");
  const refresh = (api: TestApi, refresh_token: string) =>
    api.request("/api/v1/auth/refresh", { via: loopback, body: { refresh_token } });

  await using announced = await testApi({ beside: first, env: ring(old, next) });
  await using rotated = await testApi({ beside: first, env: ring(next, old) });
  assert.equal(await me(announced, acme.token), 200);
  const renewed = await refresh(rotated, acme.refreshToken);
  assert.equal(kid(renewed.body.access_token), "new");
  // Both signers run side by side for a while, and take each other's tokens of either kind.
  for (const api of [announced, rotated]) {
    assert.equal(await me(api, renewed.body.access_token), 200);
    assert.equal(await me(api, acme.token), 200);
    assert.equal((await refresh(api, renewed.body.refresh_token)).status, 200);
  }
  await using dropped = await testApi({ beside: first, env: ring(next) });
  assert.equal(await me(dropped, acme.token), 401);
  assert.equal((await refresh(dropped, acme.refreshToken)).status, 401);
  assert.equal(await me(dropped, renewed.body.access_token), 200);
  // In an emergency: everything ends, in every process, whatever key signed it.
  const revoked = await dropped.request("/api/v1/sessions/revoke-all", {
    body: { tenant_id: null },
  });
  assert.equal(revoked.body.sessions_ended, 1);
  for (const api of [announced, rotated, dropped]) {
    assert.equal(await me(api, renewed.body.access_token), 401);
    assert.equal((await refresh(api, renewed.body.refresh_token)).status, 401);
  }
  assert.equal(await me(dropped, (await logIn(dropped, acme)).token), 200);
});
