import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  operator,
  peerOf,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import {
  beginLogIn,
  codeAt,
  equip,
  type Equipped,
  logInWithMfa,
  nextCode,
  wrongCodeAt,
} from "../../../tests/support/totp.ts";
import { failuresUntilFactorLock } from "../../auth/attempt_policy.ts";

type Via = NonNullable<RequestOptions["via"]>;

const verify = (
  api: TestApi,
  who: Pick<Persona, "token">,
  code: string,
  { via = loopback, path = "/mfa/verify" }: { via?: Via; path?: string } = {},
) => api.request(`/api/v1${path}`, { via, token: who.token, body: { code } });

const wrong = (api: TestApi, who: Equipped) => wrongCodeAt(who.secret, api.clock.now());

const from = (address: string): Via => ({ listener: "loopback", address });

Deno.test("codes: A3: a step is used up by whatever took it, the code of the set-up included, and so are those before", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  const setUpCode = codeAt(ada.secret, api.clock.now());
  const reused = await verify(api, ada, setUpCode);
  assert.deepEqual([reused.status, reused.body.code], [401, "invalid_credentials"]);
  const code = nextCode(api, ada);
  const before = codeAt(ada.secret, api.clock.now() - 30_000);
  assert.equal((await verify(api, ada, code)).status, 200);
  assert.equal((await verify(api, ada, code, { path: "/auth/step-up" })).status, 401);
  assert.equal((await verify(api, ada, before)).status, 401, "an older one that is in the window");
  const mfa_session_token = await beginLogIn(api, ada);
  const login = await api.request("/api/v1/auth/login/mfa", {
    via: loopback,
    tenant: "acme",
    body: { mfa_session_token, code },
  });
  assert.deepEqual([login.status, login.body.code], [401, "invalid_credentials"]);
  // Another app brings none back either, though its first code be of the step before.
  const again = await api.request("/api/v1/mfa/setup", {
    method: "POST",
    via: loopback,
    token: ada.token,
  });
  const first = codeAt(again.body.secret, api.clock.now() - 30_000);
  assert.equal((await verify(api, ada, first, { path: "/mfa/enable" })).status, 200);
  const [{ is }] = await api.db.owner<[{ is: boolean }]>`
    select last_step = floor(${api.clock.now()}::float8 / 30000) as is from mfa_factors`;
  assert.equal(is, true);
  // The database itself lets no step come back.
  await assert.rejects(
    async () => await api.db.owner`update mfa_factors set last_step = last_step - 1`,
    /a code that was used stays used/,
  );
});

Deno.test("codes: A3: of fifty at once with one code, one passes", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  // Through the operator's socket, whose source is not limited; half of them in another process.
  await using neighbour = await testApi({ beside: api });
  const code = nextCode(api, ada);
  const replies = await Promise.all(Array.from(
    { length: 50 },
    (_, n) => verify(n % 2 ? api : neighbour, ada, code, { via: operator }),
  ));
  const count = (status: number) => replies.filter((reply) => reply.status === status).length;
  assert.deepEqual([count(200), count(401), count(429)], [1, 4, 45]);
  const recovery = ada.recoveryCodes[0] ?? "";
  api.clock.advance(61_000);
  const used = await Promise.all(Array.from(
    { length: 50 },
    (_, n) =>
      verify(n % 2 ? api : neighbour, ada, recovery, {
        via: operator,
        path: "/mfa/recovery/verify",
      }),
  ));
  assert.deepEqual(
    [200, 401, 429].map((status) => used.filter((reply) => reply.status === status).length),
    [1, 2, 47],
  );
});

Deno.test("codes: A3: five a minute for a user, wherever they are tried and from wherever, over a restart", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await equip(api, acme);
  const mfa_session_token = await beginLogIn(api, ada);
  api.clock.advance(61_000);
  const tried = [
    (api: TestApi) => verify(api, ada, wrong(api, ada), { via: from("10.0.0.1") }),
    (api: TestApi) =>
      verify(api, ada, wrong(api, ada), { via: from("10.0.0.2"), path: "/auth/step-up" }),
    (api: TestApi) =>
      api.request("/api/v1/auth/login/mfa", {
        via: from("10.0.0.3"),
        tenant: "acme",
        body: { mfa_session_token, code: wrong(api, ada) },
      }),
    (api: TestApi) =>
      api.request("/api/v1/mfa/disable", {
        via: from("10.0.0.4"),
        token: ada.token,
        body: { password: ada.password, code: wrong(api, ada) },
      }),
    (api: TestApi) =>
      verify(api, ada, wrong(api, ada), {
        via: from("10.0.0.5"),
        path: "/mfa/recovery/regenerate",
      }),
  ];
  for (const [n, attempt] of tried.entries()) {
    const reply = await attempt(api);
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_credentials"], String(n));
  }
  await using again = await testApi({ beside: api });
  for (const [n, attempt] of tried.entries()) {
    const reply = await attempt(again);
    assert.deepEqual([reply.status, reply.body.code], [429, "rate_limited"], String(n));
    const retry = Number(reply.headers.get("retry-after"));
    assert(retry > 0 && retry <= 60, `retry-after ${retry}`);
  }
  // Not even the right one is looked at, and it is not used up by that.
  const right = codeAt(ada.secret, api.clock.now());
  assert.equal((await verify(again, ada, right)).status, 429);
  const [row] = await api.db.owner`
    select failures, cardinality(recent) as recent from mfa_attempts where kind = 'totp'`;
  assert.deepEqual({ ...row }, { failures: 5, recent: 5 });
  assert.equal((await verify(again, ada, nextCode(api, ada))).status, 200);
  // Recovery codes have a count of their own: three.
  for (const expected of [401, 401, 401, 429]) {
    const reply = await verify(api, ada, "0000-0000", { path: "/mfa/recovery/verify" });
    assert.equal(reply.status, expected);
  }
});

Deno.test("codes: A3: five a minute from one source, whomever they are for; of one tenant, not of all", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const people: Equipped[] = [];
  for (let n = 0; n < 6; n++) {
    const user = await userOf(api, acme, { email: `u${n}@acme.example` });
    people.push(await equip(api, user, { via: operator }));
  }
  const other = await equip(api, await adminOf(api, "other"), { via: operator });
  const statuses: number[] = [];
  for (const who of people) statuses.push((await verify(api, who, wrong(api, who))).status);
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429]);
  const [, , , , , last] = people;
  assert.ok(last);
  assert.equal((await verify(api, last, wrong(api, last), { via: from("10.0.0.9") })).status, 401);
  assert.equal((await verify(api, other, wrong(api, other))).status, 401);
  // Sources that tried nothing for an hour are forgotten.
  const left = async () =>
    (await api.db.owner`select source from mfa_source_attempts where tenant_id = ${acme.tenantId}`)
      .length;
  assert.equal(await left(), 2);
  await api.db.owner`update mfa_source_attempts set last_at = now() - interval '2 hours'`;
  api.clock.advance(61_000);
  await verify(api, last, wrong(api, last), { via: from("10.0.0.9") });
  assert.equal(await left(), 1);
});

Deno.test("codes: A3: ten failures in a row lock the factor for a while: logged, audited, and told the owner", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  const fail = async (times: number) => {
    for (let n = 0; n < times; n++) {
      api.clock.advance(13_000);
      assert.equal((await verify(api, ada, wrong(api, ada))).status, 401);
    }
  };
  await fail(failuresUntilFactorLock - 1);
  assert.equal((await verify(api, ada, nextCode(api, ada))).status, 200, "one success forgives");
  await fail(failuresUntilFactorLock);
  const locked = await verify(api, ada, nextCode(api, ada));
  const before = await verify(api, ada, wrong(api, ada));
  assert.deepEqual([locked.status, { ...locked.body, request_id: "" }], [
    401,
    { ...before.body, request_id: "" },
  ], "a right code is answered like a wrong one");
  await using again = await testApi({ beside: api });
  const status = await again.request("/api/v1/mfa/status", { via: loopback, token: ada.token });
  const until = Date.parse(status.body.locked_until);
  assert(until - api.clock.now() > 10 * 60_000 && until - api.clock.now() <= 15 * 60_000);
  assert.ok(api.log.some((line) => line.includes("a second factor is locked")));
  const [entry] = await api.db.owner`
    select count(*)::integer as n, min(details ->> 'kind') as kind from audit_log where action = 'mfa.lock'`;
  assert.deepEqual({ ...entry }, { n: 1, kind: "totp" });
  const mails = await api.db.owner`select template from mails order by created_at`;
  assert.deepEqual(mails.map(({ template }) => template), ["alert_mfa_enabled", "alert_locked"]);
  // A recovery code is another factor: whoever has one is the owner, and lifts the lock.
  const [recovery = ""] = ada.recoveryCodes;
  const lifted = await verify(api, ada, recovery, { path: "/mfa/recovery/verify" });
  assert.deepEqual([lifted.status, lifted.body.recovery_codes_left], [200, 9], lifted.text);
  assert.equal((await verify(api, ada, nextCode(api, ada))).status, 200);
});

Deno.test("codes: a lock ends by itself, and the next one lasts twice as long", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  await api.db.owner`
    update mfa_attempts set failures = 9, recent = '{}' where kind = 'totp'`;
  api.clock.advance(61_000);
  const lockedFor = async (who: Equipped) => {
    assert.equal((await verify(api, who, wrong(api, who), { via: operator })).status, 401);
    const [row] = await api.db.owner`select failures, locked_until from mfa_attempts`;
    return [row?.failures, (row?.locked_until.getTime() - api.clock.now()) / 60_000];
  };
  assert.deepEqual(await lockedFor(ada), [10, 15]);
  api.clock.advance(15 * 60_000);
  // The log-in passes, and clears what there was.
  const again = await logInWithMfa(api, ada, { via: operator });
  const [row] = await api.db.owner`select failures, locked_until from mfa_attempts`;
  assert.deepEqual({ ...row }, { failures: 0, locked_until: null });
  await api.db.owner`update mfa_attempts set failures = 19, recent = '{}'`;
  assert.deepEqual(await lockedFor(again), [20, 30]);
  // Whoever looks after security lifts it before its time.
  const { status, text } = await api.request(`/api/v1/users/${ada.userId}/unlock`, {
    tenant: "acme",
    method: "POST",
  });
  assert.equal(status, 200, text);
  const right = await verify(api, again, nextCode(api, again), { via: operator });
  assert.equal(right.status, 200, right.text);
});

Deno.test("codes: A5: who has the password can neither use up nor lock the way through the owner's own peer", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await equip(api, acme);
  const own = (await peerOf(api, acme, { user_id: acme.userId })).via;
  const machine = (await peerOf(api, acme)).via;
  const stolen = await beginLogIn(api, ada, { via: machine });
  for (let n = 0; n < failuresUntilFactorLock; n++) {
    api.clock.advance(13_000);
    const reply = await api.request("/api/v1/auth/login/mfa", {
      via: machine,
      tenant: "acme",
      body: { mfa_session_token: stolen, code: wrong(api, ada) },
    });
    assert.equal(reply.status, 401, reply.text);
  }
  const mine = await logInWithMfa(api, ada, { via: own });
  assert.equal((await verify(api, mine, nextCode(api, ada), { via: own })).status, 200);
  // The other way stays locked meanwhile, a right code or not.
  const token = await beginLogIn(api, ada, { via: machine });
  const locked = await api.request("/api/v1/auth/login/mfa", {
    via: machine,
    tenant: "acme",
    body: { mfa_session_token: token, code: nextCode(api, ada) },
  });
  assert.equal(locked.status, 401);
});

Deno.test("codes: D4: with Redis away the counts are the very same: they never were in it", async () => {
  await using api = await testApi({ env: { REDIS_URL: "redis://127.0.0.1:1" } });
  const ada = await equip(api, await adminOf(api, "acme"), { via: operator });
  api.clock.advance(61_000);
  const statuses: number[] = [];
  for (let n = 0; n < 6; n++) {
    statuses.push((await verify(api, ada, wrong(api, ada), { via: operator })).status);
  }
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429]);
});

Deno.test("codes: D3: what cannot be a code is refused as such, and is no attempt", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  const bad = [
    "",
    "12345",
    "1234567",
    "12345a",
    "１２３４５６",
    "123456789012",
    123456,
    null,
    "' or 1=1",
  ];
  for (const code of bad) {
    for (const path of ["/mfa/verify", "/auth/step-up", "/mfa/recovery/regenerate"]) {
      const reply = await api.request(`/api/v1${path}`, {
        via: loopback,
        token: ada.token,
        body: { code },
      });
      assert.equal(reply.status, 422, `${path} ${code}: ${reply.text}`);
      assert.equal(reply.body.errors[0].path, "code");
    }
  }
  const [row] = await api.db.owner`select failures, cardinality(recent) as n from mfa_attempts`;
  assert.deepEqual({ ...row }, { failures: 0, n: 1 }, "the set-up's alone");
  const code = nextCode(api, ada);
  const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
  assert.equal((await verify(api, ada, spaced)).status, 200, "as apps show it");
  const none = await logIn(api, await userOf(api, ada, { email: "bob@acme.example" }));
  assert.equal((await verify(api, none, "123456")).body.code, "mfa_not_enabled");
});
