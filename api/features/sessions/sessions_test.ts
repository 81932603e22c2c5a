import assert from "node:assert/strict";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import {
  adminOf,
  logIn,
  loopback,
  operator,
  type Persona,
  superadminOf,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { beginLogIn, equip, logInWithMfa, nextCode } from "../../../tests/support/totp.ts";

Deno.test("sessions: shows one's own, with the current one and what is known of each", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await userOf(api, acme, { email: "o@acme.example" });
  api.clock.advance(1000);
  const second = await api.request("/api/v1/auth/login", {
    via: { listener: "loopback", address: "127.0.0.1" },
    tenant: "acme",
    headers: { "User-Agent": "x".repeat(1000) },
    body: { email: acme.email, password: acme.password, device_name: "Ada's phone" },
  });
  const reply = await api.request("/api/v1/sessions", { token: acme.token });
  assert.deepEqual(
    reply.body.items.map((s: { current: boolean; device_name: string; active: boolean }) => [
      s.current,
      s.device_name,
      s.active,
    ]),
    [[false, "Ada's phone", true], [true, "", true]],
  );
  assert.equal(reply.body.items[0].user_agent.length, 256);
  assert.equal(second.status, 200);
  const page = await api.request("/api/v1/sessions?limit=1", { token: acme.token });
  const rest = await api.request(`/api/v1/sessions?cursor=${page.body.next_cursor}`, {
    token: acme.token,
  });
  assert.deepEqual([...page.body.items, ...rest.body.items], reply.body.items);
  // N3: a colleague's session is unknown, to read and to end.
  const [theirs] = (await api.request("/api/v1/sessions", { token: other.token })).body.items;
  for (const method of ["GET", "DELETE"]) {
    const strange = await api.request(`/api/v1/sessions/${theirs.id}`, {
      token: acme.token,
      method,
    });
    const unknown = await api.request(`/api/v1/sessions/${crypto.randomUUID()}`, {
      token: acme.token,
      method,
    });
    assert.deepEqual([strange.status, strange.body.code], [unknown.status, unknown.body.code]);
  }
  assert.equal((await api.request("/api/v1/sessions", { token: other.token })).status, 200);
});

Deno.test("sessions: A1: one, all others or all end at once", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const phones: Persona[] = [];
  for (let n = 0; n < 3; n++) {
    api.clock.advance(1000);
    phones.push(await logIn(api, acme));
  }
  const alive = async () =>
    await Promise.all(
      [acme, ...phones].map(async ({ token }) =>
        (await api.request("/api/v1/auth/me", { token })).status
      ),
    );
  const [newest] = (await api.request("/api/v1/sessions", { token: acme.token })).body.items;
  const one = await api.request(`/api/v1/sessions/${newest.id}`, {
    token: acme.token,
    method: "DELETE",
  });
  assert.deepEqual(one.body, { sessions_ended: 1 });
  assert.deepEqual(await alive(), [200, 200, 200, 401]);
  const others = await api.request("/api/v1/sessions?except_current=true", {
    token: acme.token,
    method: "DELETE",
  });
  assert.deepEqual(others.body, { sessions_ended: 2 });
  assert.deepEqual(await alive(), [200, 401, 401, 401]);
  const inactive = await api.request("/api/v1/sessions?include_inactive=true", {
    token: acme.token,
  });
  assert.deepEqual(
    inactive.body.items.map((s: { ended_reason: string | null }) => s.ended_reason),
    ["terminated", "terminated", "terminated", null],
  );
  await api.request("/api/v1/sessions", { token: acme.token, method: "DELETE" });
  assert.deepEqual(await alive(), [401, 401, 401, 401]);
});

Deno.test("sessions: fifty log-ins at once leave as many sessions as the tenant allows", async () => {
  await using api = await testApi({ env: { PASSWORD_HASH_QUEUE: "100" } });
  const acme = await adminOf(api, "acme");
  const set = await api.request("/api/v1/tenants/current", {
    token: acme.token,
    method: "PATCH",
    body: { session_limit: 3 },
  });
  assert.equal(set.body.session_limit, 3);
  api.clock.advance(1000);
  const all = await Promise.all(Array.from({ length: 50 }, () => logIn(api, acme)));
  const statuses = await Promise.all(
    all.map(async ({ token }) => (await api.request("/api/v1/auth/me", { token })).status),
  );
  assert.equal(statuses.filter((status) => status === 200).length, 3);
  const entries = await api.db.owner<{ actor_user_id: number; details: Record<string, unknown> }[]>`
    select actor_user_id, details from audit_log where action = 'session.end' order by id`;
  // Each log-in beyond the third pushed one out, and says so.
  assert.deepEqual(
    [...entries],
    Array.from({ length: 48 }, () => ({
      actor_user_id: acme.userId,
      details: { reason: "limit", sessions_ended: 1 },
    })),
  );
  assert.equal((await api.request("/api/v1/auth/me", { token: acme.token })).status, 401);
});

Deno.test("sessions: a tenant shortens how long they idle and last, and never lengthens it", async () => {
  await using api = await testApi({
    env: { REFRESH_TOKEN_LIFETIME: "2d", SESSION_LIFETIME: "4d" },
  });
  const acme = await adminOf(api, "acme");
  const hours = async () => {
    const { token, refreshToken } = await logIn(api, acme);
    const sessions = await api.request("/api/v1/sessions", { token });
    const refresh = async (refresh_token: string) =>
      await api.request("/api/v1/auth/refresh", { body: { refresh_token } });
    const mine = sessions.body.items.find((session: { current: boolean }) => session.current);
    const idle = (Date.parse(mine.expires_at) - api.clock.now()) / 3_600_000;
    api.clock.advance(3_500_000);
    const next = await refresh(refreshToken);
    const [row] = await api.db.owner`
      select refresh_expires_at, expires_at from sessions where id = ${mine.id}`;
    return { idle, next, row };
  };
  assert.equal(Math.round((await hours()).idle), 48);
  for (
    const [name, value] of [["session_idle_seconds", 3600], ["session_lifetime_seconds", 7200]]
  ) {
    const set = await api.request("/api/v1/tenants/current", {
      token: (await logIn(api, acme)).token,
      method: "PATCH",
      body: { [String(name)]: value },
    });
    assert.equal(set.status, 200, set.text);
  }
  const { idle, next, row } = await hours();
  assert.equal(Math.round(idle), 1);
  assert.equal(next.status, 200);
  assert.equal(Math.round((row?.refresh_expires_at - api.clock.now()) / 1000), 3600);
  assert.equal(Math.round((row?.expires_at - api.clock.now()) / 1000), 7200 - 3500);
  api.clock.advance(3_601_000);
  const late = await api.request("/api/v1/auth/refresh", {
    body: { refresh_token: next.body.refresh_token },
  });
  assert.equal(late.status, 401);
  await api.db.owner`
    update tenants set session_idle_seconds = 2592000, session_lifetime_seconds = 2592000`;
  assert.equal(Math.round((await hours()).idle), 48);
  // What may idle for longer than it lasts ends with that, opened in one message or the long way.
  for (const limit of [null, 100]) {
    await api.db.owner`
      update tenants set session_idle_seconds = null, session_lifetime_seconds = 3600, session_limit = ${limit}`;
    const short = await hours();
    assert.deepEqual([Math.round(short.idle), short.next.status], [1, 200]);
    assert.deepEqual(short.row?.refresh_expires_at, short.row?.expires_at);
  }
});

Deno.test("sessions: last seen is true to a minute, and costs no write a request", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const seen = async () => {
    const [row] = await api.db.owner`select last_seen_at, xmin::text as xmin from sessions`;
    return [row?.last_seen_at.getTime(), row?.xmin];
  };
  const before = await seen();
  api.clock.advance(59_000);
  await api.request("/api/v1/auth/me", { token: acme.token });
  assert.deepEqual(await seen(), before);
  api.clock.advance(2_000);
  await api.request("/api/v1/auth/me", { token: acme.token });
  assert.equal((await seen())[0], api.clock.now());
});

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
