import assert from "node:assert/strict";
import { adminOf, logIn, type Persona, testApi, userOf } from "../../../tests/support/api.ts";

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

Deno.test("sessions: whoever logs in where one is allowed is in, though another was used by a clock that is ahead", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.request("/api/v1/tenants/current", {
    token: acme.token,
    method: "PATCH",
    body: { session_limit: 1 },
  });
  await api.db.owner`update sessions set last_seen_at = last_seen_at + interval '30 seconds'`;
  const { token } = await logIn(api, acme);
  const me = async (token: string) => (await api.request("/api/v1/auth/me", { token })).status;
  assert.deepEqual([await me(token), await me(acme.token)], [200, 401]);
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
  // Opened in one message or the long way.
  for (const limit of [null, 100]) {
    await api.db.owner`
      update tenants set session_idle_seconds = 2592000, session_lifetime_seconds = 2592000, session_limit = ${limit}`;
    const longest = await hours();
    assert.equal(Math.round(longest.idle), 48);
    const left = longest.row?.expires_at - api.clock.now();
    assert.equal(Math.round(left / 1000), 4 * 86_400 - 3500);
    // What may idle for longer than it lasts ends with that.
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
