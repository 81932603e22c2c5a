import assert from "node:assert/strict";
import { graceMs } from "../../auth/refresh_policy.ts";
import { failuresUntilLock, lockWindowMs } from "../../auth/throttle.ts";
import {
  adminOf,
  logIn,
  loopback,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { until } from "../../../tests/support/until.ts";

const login = (
  api: TestApi,
  who: { tenant: string | number; email: string; password: string },
  more: RequestOptions = {},
) =>
  api.request("/api/v1/auth/login", {
    via: loopback,
    tenant: who.tenant,
    body: { email: who.email, password: who.password },
    ...more,
  });
const refresh = (api: TestApi, token: string, more: RequestOptions = {}) =>
  api.request("/api/v1/auth/refresh", { via: loopback, body: { refresh_token: token }, ...more });
const me = (api: TestApi, token: string) =>
  api.request("/api/v1/auth/me", { via: loopback, token });

/** Waits until so many connections wait for a lock that the test holds. */
const waitersOnLocks = (api: TestApi, count: number) =>
  until(`${count} wait for a lock`, async () => {
    const [row] = await api.db.superuser<[{ n: number }]>`
      select count(*)::integer as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    return row.n === count;
  });

Deno.test("login: A4: unknown user, unknown tenant, wrong password, inactive user and suspended tenant get one answer", async (t) => {
  await using api = await testApi({ inProcess: "counts what one process did" });
  const acme = await adminOf(api, "acme");
  const inactive = await userOf(api, acme, { email: "inactive@acme.example" });
  const closed = await adminOf(api, "closed");
  await api.db
    .owner`update users set status = 'inactive' where id = ${inactive.userId} and tenant_id = ${inactive.tenantId}`;
  await api.db.owner`update tenants set status = 'suspended' where slug = 'closed'`;
  const wrong = { tenant: "acme", email: acme.email, password: "not the password" };
  const attempts = {
    "wrong password": wrong,
    "unknown user": { ...wrong, email: "nobody@acme.example" },
    "unknown tenant": { ...wrong, tenant: "nowhere" },
    "unknown tenant id": { ...wrong, tenant: 4711 },
    "a tenant that is no slug": { ...wrong, tenant: "x'; drop table tenants; --" },
    "inactive user": { tenant: "acme", email: inactive.email, password: inactive.password },
    "suspended tenant": { tenant: "closed", email: closed.email, password: closed.password },
  };
  const expected = await login(api, wrong);
  assert.equal(expected.status, 401);
  assert.equal(expected.headers.get("www-authenticate"), 'Bearer realm="massacorp"');
  for (const [name, attempt] of Object.entries(attempts)) {
    await t.step(name, async () => {
      const hashes = api.deps.hasher.stats.hashes;
      const reply = await login(api, attempt);
      assert.equal(reply.status, 401);
      assert.deepEqual({ ...reply.body, request_id: "" }, { ...expected.body, request_id: "" });
      assert.deepEqual([...reply.headers.keys()], [...expected.headers.keys()]);
      assert.equal(api.deps.hasher.stats.hashes, hashes + 1, "the same work");
    });
  }
});

Deno.test("login: takes the address in any case, and the tenant by id as well", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const reply = await login(api, {
    tenant: acme.tenantId,
    email: ` ${acme.email.toUpperCase()} `,
    password: acme.password,
  });
  assert.equal(reply.status, 200);
  assert.equal(reply.body.token_type, "Bearer");
  assert.equal(reply.body.expires_in, 900);
});

Deno.test("login: the same address in two tenants is two users", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  const twin = await api.request("/api/v1/users", {
    tenant: "other",
    body: { email: acme.email },
  });
  assert.equal(twin.status, 201);
  assert.equal((await login(api, { ...acme, tenant: "other" })).status, 401);
  assert.equal(
    (await login(api, { ...acme, tenant: "other", password: twin.body.password })).status,
    200,
  );
});

Deno.test("login: A5: failures lock the account for the way they came, for a while, and for nobody else", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const wrong = { tenant: "acme", email: acme.email, password: "wrong" };
  for (let n = 0; n < failuresUntilLock; n++) {
    assert.equal((await login(api, wrong)).status, 401);
  }
  const locked = await login(api, { ...acme, tenant: "acme" });
  assert.equal(locked.status, 401, "locked, though the password is right");
  assert.equal(locked.body.code, "invalid_credentials");
  // Another way in and another account are not touched.
  const elsewhere = { listener: "operator", address: null } as const;
  assert.equal((await login(api, { ...acme, tenant: "acme" }, { via: elsewhere })).status, 200);
  assert.equal((await login(api, { ...bob, tenant: "acme" })).status, 200);
  api.clock.advance(lockWindowMs + 1);
  assert.equal((await login(api, { ...acme, tenant: "acme" })).status, 200);
});

Deno.test("login: A5: failures at once are counted like one after the other", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const wrong = { tenant: "acme", email: acme.email, password: "wrong" };
  for (let n = 1; n < failuresUntilLock; n++) await login(api, wrong);
  const { attempts } = await api.db.owner.begin(async (sql) => {
    await sql`lock table login_attempts in exclusive mode`;
    const attempts = Array.from({ length: 5 }, () => login(api, wrong));
    await waitersOnLocks(api, attempts.length);
    return { attempts };
  });
  await Promise.all(attempts);
  const rows = await api.db.owner`
    select outcome, count(*)::integer as n from login_attempts where outcome <> 'succeeded'
    group by outcome order by outcome`;
  assert.deepEqual([...rows], [
    { outcome: "failed", n: failuresUntilLock - 1 },
    { outcome: "locked", n: attempts.length - 1 },
    { outcome: "locking", n: 1 },
  ]);
});

Deno.test("login: attempts older than a day are forgotten, a hundred at a time and the tenant's own alone", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const { owner } = api.db;
  for (const { tenantId } of [acme, other]) {
    await owner`
      insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
      select ${tenantId}, sha256('x'), 'loopback', 'failed', 
        now() - case when n > 100 then interval '25 hours' else interval '23 hours' end
      from generate_series(1, 250) n`;
  }
  const left = async (tenantId: number) => {
    const [row] = await owner<[{ old: number; n: number }]>`
      select count(*) filter (where at < now() - interval '1 day')::integer as old,
        count(*)::integer as n
      from login_attempts where tenant_id = ${tenantId}`;
    return row;
  };
  // Each was logged in once, when it was made.
  assert.deepEqual({ ...await left(acme.tenantId) }, { old: 150, n: 251 });
  await login(api, { ...acme, tenant: "acme" });
  assert.deepEqual({ ...await left(acme.tenantId) }, { old: 50, n: 152 });
  await login(api, { ...acme, tenant: "acme" });
  assert.deepEqual({ ...await left(acme.tenantId) }, { old: 0, n: 103 });
  assert.deepEqual({ ...await left(other.tenantId) }, { old: 150, n: 251 });
});

Deno.test("login: A6: the record of attempts names nobody in clear", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await login(api, {
    tenant: "acme",
    email: "somebody@elsewhere.example",
    password: "my-other-password",
  });
  const [row] = await api.db.owner`select count(*)::int as n from login_attempts`;
  assert.equal(row?.n, 2);
  const rows = await api.db.owner`select login_attempts::text as text from login_attempts`;
  const everything = JSON.stringify(rows) + api.log.join("\n");
  for (const secret of ["somebody@elsewhere", "my-other-password", acme.password, acme.token]) {
    assert(!everything.includes(secret), secret.slice(0, 4));
  }
});

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

Deno.test("refresh: A2: a chain of refreshes goes on, and each new access token works", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  let token = acme.refreshToken;
  for (let n = 0; n < 3; n++) {
    api.clock.advance(60_000);
    const reply = await refresh(api, token);
    assert.equal(reply.status, 200);
    assert.notEqual(reply.body.refresh_token, token);
    assert.equal((await me(api, reply.body.access_token)).status, 200);
    token = reply.body.refresh_token;
  }
});

Deno.test("refresh: A2: a retry after a lost response gets the current token, however late", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const lost = await refresh(api, acme.refreshToken);
  api.clock.advance(3_600_000);
  const retried = await refresh(api, acme.refreshToken);
  assert.equal(retried.status, 200);
  assert.equal(retried.body.refresh_token, lost.body.refresh_token);
  assert.equal((await refresh(api, retried.body.refresh_token)).status, 200);
});

Deno.test("refresh: A2: a reused token ends the session, and that end is committed", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const second = await refresh(api, acme.refreshToken);
  const third = await refresh(api, second.body.refresh_token);
  assert.equal((await refresh(api, acme.refreshToken)).status, 200, "within the grace");
  api.clock.advance(graceMs + 1);
  const reused = await refresh(api, acme.refreshToken);
  assert.equal(reused.status, 401);
  assert.equal(reused.body.code, "invalid_token");
  const [session] = await api.db.owner`select ended_reason from sessions`;
  assert.equal(session?.ended_reason, "refresh_reuse");
  // The whole family is dead, the newest token and its access token included.
  assert.equal((await refresh(api, third.body.refresh_token)).status, 401);
  assert.equal((await me(api, third.body.access_token)).status, 401);
  const [entry] = await api.db.owner`select details from audit_log where action = 'session.end'`;
  assert.deepEqual(entry?.details, { reason: "refresh_reuse", presented: 0, newest: 2 });
});

Deno.test("refresh: A2: of fifty at once with one token, every one gets the same next token", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => refresh(api, acme.refreshToken)),
  );
  assert.deepEqual(new Set(replies.map((reply) => reply.status)), new Set([200]));
  assert.equal(new Set(replies.map((reply) => reply.body.refresh_token)).size, 1);
  const [session] = await api.db.owner`select refresh_counter from sessions`;
  assert.equal(session?.refresh_counter, 1);
});

Deno.test("refresh: A2: those who wait for one another read the session only when it is their turn", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const replies = await api.db.owner.begin(async (sql) => {
    await sql`select from sessions for update`;
    const asked = Array.from({ length: 5 }, () => refresh(api, acme.refreshToken));
    await waitersOnLocks(api, asked.length);
    return { asked };
  }).then(({ asked }) => Promise.all(asked));
  assert.deepEqual(new Set(replies.map((reply) => reply.status)), new Set([200]));
  assert.equal(new Set(replies.map((reply) => reply.body.refresh_token)).size, 1);
  const [session] = await api.db.owner`select refresh_counter from sessions`;
  assert.equal(session?.refresh_counter, 1);
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

Deno.test("refresh: a session ends at its absolute end, whatever was refreshed", async () => {
  await using api = await testApi({ env: { SESSION_LIFETIME: "7d" } });
  const acme = await adminOf(api, "acme");
  let token = acme.refreshToken;
  for (let day = 1; day < 7; day++) {
    api.clock.advance(86_400_000);
    const reply = await refresh(api, token);
    assert.equal(reply.status, 200, `day ${day}`);
    token = reply.body.refresh_token;
  }
  api.clock.advance(86_400_000);
  assert.equal((await refresh(api, token)).status, 401);
});

Deno.test("refresh: a header that names another tenant is refused", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  const reply = await refresh(api, acme.refreshToken, { tenant: "other" });
  assert.equal(reply.status, 403);
  assert.equal(reply.body.code, "tenant_mismatch");
  assert.equal((await refresh(api, acme.refreshToken, { tenant: "acme" })).status, 200);
});
