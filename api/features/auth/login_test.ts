import assert from "node:assert/strict";
import { waitersOnLocks } from "../../../tests/support/session_calls.ts";
import { failuresUntilLock, lockWindowMs } from "../../auth/throttle.ts";
import {
  adminOf,
  loopback,
  type RequestOptions,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";

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
