import assert from "node:assert/strict";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import { adminOf, loopback, operator, superadminOf, testApi } from "../../../tests/support/api.ts";
import { beginLogIn, equip, logInWithMfa, nextCode } from "../../../tests/support/totp.ts";

Deno.test("revoke-all: A1: ends every session, of one tenant or of all, for the operator alone", async () => {
  await using api = await testApi();
  const [acme, globex] = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const revoke = (body: unknown, token?: string) =>
    api.request("/api/v1/sessions/revoke-all", {
      body,
      ...(token ? { token } : { via: operator }),
    });
  const alive = async () => [
    (await api.request("/api/v1/auth/me", { token: acme.token })).status,
    (await api.request("/api/v1/auth/me", { token: globex.token })).status,
  ];
  assert.equal((await revoke({ tenant_id: null }, acme.token)).status, 403);
  assert.equal((await revoke({ tenant_id: 99_999 })).status, 404);
  assert.deepEqual(await alive(), [200, 200]);
  assert.deepEqual((await revoke({ tenant_id: acme.tenantId })).body, { sessions_ended: 1 });
  assert.deepEqual(await alive(), [401, 200]);
  assert.deepEqual((await revoke({ tenant_id: null })).body, { sessions_ended: 1 });
  assert.deepEqual(await alive(), [401, 401]);
  const entries = await api.db.owner`
    select tenant_id from audit_log where action = 'session.revoke_all' order by id`;
  assert.equal(entries.length, 3);
});

Deno.test("platform: what a superadmin does to all tenants is in his name in the platform's log, before it is done", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const root = await superadminOf(api);
  const send = (path: string, body?: unknown) =>
    api.request(`/api/v1${path}`, {
      method: "POST",
      token: root.token,
      ...(body === undefined ? {} : { body }),
    });
  const { publicKey: next_public_key } = await generateKeyPair();
  const announcement = { next_public_key, at: "2099-01-31T20:00:00Z" };
  const path = "/wireguard/gateways/1/key-announcement";
  assert.equal((await send("/wireguard/gateways/7/key-announcement", announcement)).status, 404);
  assert.equal((await send("/sessions/revoke-all", { tenant_id: 99_999 })).status, 404);
  const orders: [path: string, body: unknown, action: string, target: string | null][] = [
    ["/mfa/reseal", undefined, "mfa.reseal", null],
    ["/encryption/reseal", undefined, "encryption.reseal", null],
    [path, announcement, "wireguard.gateway_key_announced", "1"],
    [
      "/sessions/revoke-all",
      { tenant_id: acme.tenantId },
      "session.revoke_all",
      String(acme.tenantId),
    ],
    ["/sessions/revoke-all", { tenant_id: null }, "session.revoke_all", null],
  ];
  for (const [path, body] of orders) {
    const reply = await send(path, body);
    assert.equal(reply.status, 200, reply.text);
  }
  const entries = await api.db.owner`
    select actor, actor_user_id, action, target_id, details->'tenants' as tenants from audit_log
    where tenant_id = ${root.tenantId} and details ? 'tenants' order by id`;
  assert.deepEqual(
    [...entries],
    orders.map(([, , action, target_id]) => ({
      ...{ actor: "user", actor_user_id: root.userId, action, target_id },
      tenants: action === "session.revoke_all" && target_id !== null ? 1 : 2,
    })),
  );
  const theirs = await api.db.owner`
    select distinct actor, actor_user_id from audit_log
    where tenant_id = ${acme.tenantId} and action = 'session.revoke_all'`;
  assert.deepEqual([...theirs], [{ actor: "operator", actor_user_id: null }]);
});

Deno.test("revoke-all: A1: half a log-in, trust in devices and links for a new password end with the sessions, of that tenant alone", async () => {
  await using api = await testApi();
  const personas = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const left = async () => {
    const rows = await api.db.owner`
      select (select count(*)::integer from login_challenges c where c.tenant_id = t.id and c.used_at is null) as halves,
        (select count(*)::integer from mfa_trusted_devices d where d.tenant_id = t.id) as devices,
        (select count(*)::integer from one_time_tokens o where o.tenant_id = t.id) as links
      from tenants t order by t.slug`;
    return rows.map((row) => Object.values(row).join());
  };
  const halves = [];
  for (const persona of personas) {
    const { token, slug, email } = persona;
    await api.request("/api/v1/tenants/current", {
      method: "PATCH",
      token,
      body: { mfa_trusted_devices: true },
    });
    const equipped = await equip(api, persona);
    await logInWithMfa(api, equipped, { body: { trust_device: true } });
    const asked = await api.request("/api/v1/password-reset/request", {
      via: loopback,
      tenant: slug,
      body: { email },
    });
    assert.equal(asked.status, 202);
    halves.push({ ...equipped, half: await beginLogIn(api, equipped) });
  }
  assert.deepEqual(await left(), ["1,1,1", "1,1,1"]);
  const [acme, globex] = personas;
  const revoked = await api.request("/api/v1/sessions/revoke-all", {
    via: operator,
    body: { tenant_id: acme?.tenantId },
  });
  assert.equal(revoked.status, 200, revoked.text);
  assert.deepEqual(await left(), ["0,0,0", "1,1,1"]);
  const statuses = [];
  for (const who of halves) {
    const reply = await api.request("/api/v1/auth/login/mfa", {
      via: loopback,
      tenant: who.slug,
      body: { mfa_session_token: who.half, code: nextCode(api, who) },
    });
    statuses.push(`${who.slug} ${reply.status}`);
  }
  assert.deepEqual(statuses, [`${acme?.slug} 401`, `${globex?.slug} 200`]);
});
