import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  operator,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  testSecrets,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/snapshot.ts";
import {
  codeAt,
  equip,
  type Equipped,
  logInWithMfa,
  nextCode,
} from "../../../tests/support/totp.ts";

const post = (
  api: TestApi,
  who: Pick<Persona, "token">,
  path: string,
  body?: unknown,
  via: NonNullable<RequestOptions["via"]> = loopback,
) => api.request(`/api/v1${path}`, { method: "POST", via, token: who.token, body });

Deno.test("mfa: set up, confirmed, changed and taken away; each tells the owner, and ends what was opened by less", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const elsewhere = await logIn(api, acme);
  const alive = async (who: Persona) =>
    (await api.request("/api/v1/auth/me", { via: loopback, token: who.token })).status;
  const setup = await post(api, acme, "/mfa/setup");
  assert.equal(setup.status, 200, setup.text);
  assert.match(setup.body.secret, /^[A-Z2-7]{32}$/);
  assert.ok(setup.body.otpauth_uri.includes(`secret=${setup.body.secret}`));
  assert.match(setup.body.qr_svg, /^<svg/);
  // Not confirmed, it protects nothing; and the first of two set-ups is worth nothing.
  assert.equal(
    (await post(api, acme, "/mfa/verify", { code: "123456" })).body.code,
    "mfa_not_enabled",
  );
  const ada = await equip(api, acme);
  const old = await post(api, acme, "/mfa/enable", {
    code: codeAt(setup.body.secret, api.clock.now()),
  });
  assert.equal(old.body.code, "mfa_not_set_up");
  assert.deepEqual([await alive(ada), await alive(elsewhere)], [200, 401]);
  assert.equal(new Set(ada.recoveryCodes).size, 10);

  // Another phone: the old one is good until the new one's first code.
  const again = await logInWithMfa(api, ada);
  const changed = await equip(api, again);
  assert.notEqual(changed.secret, ada.secret);
  const both = nextCode(api, changed);
  const stale = codeAt(ada.secret, api.clock.now());
  assert.equal((await post(api, changed, "/mfa/verify", { code: stale })).status, 401);
  assert.equal((await post(api, changed, "/mfa/verify", { code: both })).status, 200);
  assert.equal(
    (await post(api, changed, "/mfa/recovery/verify", { code: ada.recoveryCodes[0] })).status,
    401,
    "the codes of the first one ended with it",
  );

  const fresh = await post(api, changed, "/mfa/recovery/regenerate", {
    code: nextCode(api, changed),
  });
  assert.equal(fresh.status, 200, fresh.text);
  const [unused = "", next = ""] = [changed.recoveryCodes[1], fresh.body.recovery_codes[0]];
  assert.equal((await post(api, changed, "/mfa/recovery/verify", { code: unused })).status, 401);
  assert.equal((await post(api, changed, "/mfa/recovery/verify", { code: next })).status, 200);

  const disable = (password: string, code: string) =>
    post(api, changed, "/mfa/disable", { password, code });
  const code = nextCode(api, changed);
  assert.equal((await disable("wrong", code)).body.code, "invalid_credentials");
  const done = await disable(acme.password, code);
  assert.deepEqual(done.body, { disabled: true }, "a wrong password used no code up");
  assert.equal((await post(api, changed, "/mfa/verify", { code })).body.code, "mfa_not_enabled");
  await logIn(api, acme);
  // Two of them are of one moment.
  const mails = await api.db.owner`select template from mails order by created_at, template`;
  assert.deepEqual(mails.map(({ template }) => template), [
    "alert_mfa_enabled",
    "alert_mfa_enabled",
    "alert_new_recovery_codes",
    "alert_recovery_code_used",
    "alert_mfa_disabled",
  ]);
  // D1: each has its entry.
  const entries = await api.db.owner`
    select action from audit_log where action like 'mfa.%' and outcome = 'succeeded' order by id`;
  assert.deepEqual(entries.map(({ action }) => action), [
    "mfa.setup",
    "mfa.setup",
    "mfa.enable",
    "mfa.setup",
    "mfa.enable",
    "mfa.regenerate",
    "mfa.disable",
  ]);
});

Deno.test("mfa: of fifty that confirm one set-up at once, one does", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const setup = await post(api, acme, "/mfa/setup", undefined, operator);
  const code = codeAt(setup.body.secret, api.clock.now());
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => post(api, acme, "/mfa/enable", { code }, operator)),
  );
  assert.equal(replies.filter(({ status }) => status === 200).length, 1);
  const [rows] = await api.db.owner`select count(*)::integer as n from mfa_recovery_codes`;
  assert.equal(rows?.n, 10);
});

Deno.test("mfa: a set-up waits 15 minutes for its first code", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const setup = await post(api, acme, "/mfa/setup");
  const { secret } = setup.body;
  const later = await logIn(api, acme);
  api.clock.advance(14 * 60_000 + 59_000);
  const wrong = await post(api, later, "/mfa/enable", { code: codeAt(secret, 0) });
  assert.deepEqual([wrong.status, wrong.body.code], [401, "invalid_credentials"]);
  api.clock.advance(1000);
  const again = await logIn(api, acme);
  const late = await post(api, again, "/mfa/enable", { code: codeAt(secret, api.clock.now()) });
  assert.equal(late.body.code, "mfa_not_set_up");
});

Deno.test("step-up: the strongest factor that one has, for five minutes, and never by an API key", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const sensitive = (who: Pick<Persona, "token">) => post(api, who, "/mfa/setup");
  await t.step("the password, for who has no more", async () => {
    api.clock.advance(5 * 60_000 + 1);
    assert.equal((await sensitive(bob)).body.code, "step_up_required");
    const wrong = await post(api, bob, "/auth/step-up", { password: "wrong" });
    assert.deepEqual([wrong.status, wrong.body.code], [401, "invalid_credentials"]);
    assert.equal((await sensitive(bob)).body.code, "step_up_required");
    const right = await post(api, bob, "/auth/step-up", { password: bob.password });
    assert.equal(right.status, 200, right.text);
    assert.equal(Date.parse(right.body.stepped_up_until), api.clock.now() + 5 * 60_000);
    assert.equal((await sensitive(bob)).status, 200);
    for (const body of [{}, { code: "123456", password: bob.password }, { code: null }]) {
      assert.equal((await post(api, bob, "/auth/step-up", body)).status, 422);
    }
    assert.equal(
      (await post(api, bob, "/auth/step-up", { code: "123456" })).body.code,
      "mfa_not_enabled",
    );
  });
  await t.step("the code, for who has one: his password is not enough", async () => {
    const ada = await logInWithMfa(api, await equip(api, await logIn(api, bob)));
    api.clock.advance(5 * 60_000 + 1);
    const byPassword = await post(api, ada, "/auth/step-up", { password: bob.password });
    assert.deepEqual([byPassword.status, byPassword.body.code], [403, "step_up_required"]);
    assert.equal((await sensitive(ada)).body.code, "step_up_required");
    const byCode = await post(api, ada, "/auth/step-up", { code: nextCode(api, ada) });
    assert.equal(byCode.status, 200, byCode.text);
    assert.equal((await sensitive(ada)).status, 200);
  });
  await t.step("what the plan names asks for it, and takes no API key", async () => {
    const { body } = await api.request("/openapi.json");
    const asking = Object.entries<Record<string, Record<string, unknown>>>(body.paths).flatMap((
      [path, methods],
    ) =>
      Object.entries(methods).filter(([, operation]) => operation["x-step-up"] === true)
        .map(([method]) => `${method.toUpperCase()} ${path}`)
    );
    for (
      const named of [
        "POST /api/v1/mfa/disable",
        "POST /api/v1/mfa/recovery/regenerate",
        "POST /api/v1/mfa/setup",
        "POST /api/v1/api-keys",
        "POST /api/v1/auth/change-password",
        "GET /api/v1/audit/export",
        "DELETE /api/v1/users/{id}",
        "POST /api/v1/users/{id}/mfa/reset",
      ]
    ) assert.ok(asking.includes(named), named);
    const admin = await logIn(api, acme);
    const made = await post(api, admin, "/api-keys", { name: "key", scopes: ["audit.export"] });
    assert.equal(made.status, 201, made.text);
    const exported = await api.request("/api/v1/audit/export?format=csv", {
      via: loopback,
      headers: { "X-API-Key": made.body.key },
    });
    assert.equal(exported.body.code, "step_up_required");
    const stepUp = await api.request("/api/v1/auth/step-up", {
      via: loopback,
      headers: { "X-API-Key": made.body.key },
      body: { password: acme.password },
    });
    assert.equal(stepUp.status, 403);
  });
});

Deno.test("reset: an admin takes the factor away with a reason, which is recorded and told; sessions and locks end", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
  const trusting = await logInWithMfa(api, bob, { body: { trust_device: true } });
  await api.db
    .owner`update mfa_attempts set failures = 10, locked_until = now() + interval '1 day'`;
  const path = (id: number) => `/users/${id}/mfa/reset`;
  const body = { reason: "Phone lost; called back" };
  const admin = await logIn(api, acme);
  const before = await databaseDigest(api.db, { except: ["sessions"] });
  const refused: [string, Persona, number, unknown, string][] = [
    ["another tenant's", await logIn(api, other), bob.userId, body, "not_found"],
    ["unknown", admin, 4711, body, "not_found"],
    ["one's own", admin, acme.userId, body, "forbidden"],
    ["without a permission", trusting, acme.userId, body, "forbidden"],
    ["without a reason", admin, bob.userId, {}, "invalid_input"],
    ["a reason that is none", admin, bob.userId, { reason: "a\nb" }, "invalid_input"],
  ];
  const baseline = await databaseDigest(api.db, { except: ["sessions"] });
  for (const [name, who, id, sent, code] of refused) {
    const reply = await post(api, who, path(id), sent);
    assert.equal(reply.body.code, code, `${name}: ${reply.text}`);
  }
  assert.deepEqual(await databaseDigest(api.db, { except: ["sessions"] }), baseline);
  assert.notDeepEqual(baseline, before, "the digest sees log-ins");
  const done = await post(api, admin, path(bob.userId), body);
  assert.equal(done.status, 200, done.text);
  assert.ok(done.body.sessions_ended >= 1);
  assert.equal((await api.request("/api/v1/auth/me", { token: trusting.token })).status, 401);
  const [left] = await api.db.owner`
    select (select count(*)::integer from mfa_factors) as factors,
      (select count(*)::integer from mfa_recovery_codes) as codes,
      (select count(*)::integer from mfa_trusted_devices) as devices,
      (select count(*)::integer from mfa_attempts where locked_until is not null) as locks`;
  assert.deepEqual({ ...left }, { factors: 0, codes: 0, devices: 0, locks: 0 });
  const [entry] = await api.db.owner`select details from audit_log where action = 'mfa.reset'`;
  assert.equal(entry?.details.reason, body.reason);
  const [mail] = await api.db.owner`
    select id, sealed_letter from mails where template = 'alert_mfa_reset'`;
  const letter = new TextDecoder().decode(
    await api.deps.letters.open(mail?.sealed_letter, `mails/${acme.tenantId}/${mail?.id}`),
  );
  assert.ok(letter.includes(body.reason) && letter.includes(acme.email), letter);
  await logIn(api, bob);
  assert.equal((await post(api, admin, path(bob.userId), body)).body.code, "mfa_not_enabled");
});

Deno.test("reset: who may do more is not decided over, nor let off a demand", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await equip(api, acme);
  const helper = await userOf(api, acme, { email: "help@acme.example" });
  await api.db.owner`
    with made as (insert into roles (tenant_id, name) values (${acme.tenantId}, 'helpdesk') returning id),
      may as (insert into role_permissions (tenant_id, role_id, permission)
        select ${acme.tenantId}, id, 'users.security' from made)
    insert into user_roles (tenant_id, user_id, role_id) select ${acme.tenantId}, ${helper.userId}, id from made`;
  const now = await logIn(api, helper);
  const reset = await post(api, now, `/users/${ada.userId}/mfa/reset`, { reason: "because" });
  assert.deepEqual([reset.status, reset.body.code], [403, "grant_exceeds_own"], reset.text);
  const let_off = await api.request(`/api/v1/users/${ada.userId}/mfa`, {
    method: "PUT",
    via: loopback,
    token: now.token,
    body: { required: false },
  });
  assert.equal(let_off.body.code, "grant_exceeds_own");
  const oneself = await api.request(`/api/v1/users/${helper.userId}/mfa`, {
    method: "PUT",
    via: loopback,
    token: now.token,
    body: { required: false },
  });
  assert.deepEqual([oneself.status, oneself.body.code], [403, "forbidden"]);
  const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
  const late = { ...now };
  api.clock.advance(5 * 60_000 + 1);
  const stale = await post(api, late, `/users/${bob.userId}/mfa/reset`, { reason: "because" });
  assert.equal(stale.body.code, "step_up_required");
  const fresh = await logIn(api, helper);
  const allowed = await post(api, fresh, `/users/${bob.userId}/mfa/reset`, { reason: "because" });
  assert.equal(allowed.status, 200, allowed.text);
});

Deno.test("mfa: the key is changed without anybody noticing: announced, used, sealed anew, dropped", async () => {
  const next = "q0Yq1c1d3S0k5mZ8WvJxQm0N9nQmXkXo0m2VxY1b2cM=";
  await using api = await testApi();
  const ada: Equipped = await equip(api, await adminOf(api, "acme"));
  const other = await equip(api, await adminOf(api, "other"));
  const recovers = await adminOf(api, "third");
  const check = async (on: TestApi, who: Equipped) => {
    const back = await logInWithMfa(on, who);
    assert.equal((await on.request("/api/v1/auth/me", { token: back.token })).status, 200);
    return back;
  };
  await using after = await testApi({ beside: api, env: { MFA_KEY: next } });
  await using announced = await testApi({ beside: api, env: { MFA_KEYS_OLD: next } });
  // While some processes have it already, the others open what those seal.
  const third = await equip(after, await logIn(after, recovers));
  await check(announced, third);
  await check(after, ada);
  const done = await after.request("/api/v1/mfa/reseal", { method: "POST" });
  assert.equal(done.status, 200, done.text);
  assert.equal(done.body.resealed, 2);
  assert.deepEqual(done.body.recovery_codes.map(({ users }: { users: number }) => users), [2]);
  assert.equal((await after.request("/api/v1/mfa/reseal", { method: "POST" })).body.resealed, 0);
  // Without the first key, which here means without the master key that it came from.
  await using dropped = await testApi({
    beside: api,
    env: { MFA_KEY: next, ENCRYPTION_KEY: "KIYyM6vQ4mOnSr8bRzb8iq0xSpUVWzEMSLGnE8cQYiE=" },
  });
  await check(dropped, ada);
  const back = await check(dropped, other);
  const recovery = await post(dropped, back, "/mfa/recovery/verify", {
    code: other.recoveryCodes[0],
  });
  assert.equal(recovery.status, 401, "a code that an HMAC knows ends with its key");
  const kept = await post(after, back, "/mfa/recovery/verify", { code: other.recoveryCodes[0] });
  assert.equal(kept.status, 200, kept.text);
  assert.ok(!done.text.includes(testSecrets.ENCRYPTION_KEY) && !done.text.includes(next));
});

Deno.test("mfa: A6: a sealed secret that was moved to another user's row opens for nobody", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await equip(api, acme);
  const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
  await api.db.owner`
    update mfa_factors set sealed_secret = (select sealed_secret from mfa_factors where user_id = ${ada.userId})
    where user_id = ${bob.userId}`;
  const reply = await post(api, bob, "/mfa/verify", { code: nextCode(api, ada) });
  assert.deepEqual([reply.status, reply.body.code], [503, "factor_unreadable"]);
  assert.ok(!reply.text.includes("seal"), reply.text);
});

Deno.test("mfa: a key that is missing is said at the start, lets nobody in by his factor, and is put right by a reset", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
  await using lost = await testApi({
    beside: api,
    env: { MFA_KEY: "q0Yq1c1d3S0k5mZ8WvJxQm0N9nQmXkXo0m2VxY1b2cM=" },
  });
  await using without = await testApi({
    beside: api,
    env: { ENCRYPTION_KEY: "KIYyM6vQ4mOnSr8bRzb8iq0xSpUVWzEMSLGnE8cQYiE=" },
  });
  for (const each of [api, lost, without]) await each.rolesAreSafe();
  const critical = (of: TestApi) =>
    of.log.filter((line) => line.includes('"critical"') && line.includes("second factor"));
  assert.deepEqual([critical(api), critical(lost)], [[], []], "an old key is there still");
  const [said, ...more] = critical(without);
  assert.deepEqual(more, []);
  const { message, key_id, count } = JSON.parse(said ?? "{}");
  assert.match(message, /under a key that is not there/);
  assert.deepEqual([key_id, count], [api.deps.mfa.secrets.keyId, 1]);

  const code = nextCode(api, bob);
  const begun = await without.request("/api/v1/auth/login", {
    via: loopback,
    tenant: "acme",
    body: { email: bob.email, password: bob.password },
  });
  const finish = await without.request("/api/v1/auth/login/mfa", {
    via: loopback,
    tenant: "acme",
    body: { mfa_session_token: begun.body.mfa_session_token, code },
  });
  assert.deepEqual([finish.status, finish.body.code], [503, "factor_unreadable"], finish.text);
  assert.ok(finish.headers.get("retry-after"));
  const reset = await without.request(`/api/v1/users/${bob.userId}/mfa/reset`, {
    tenant: "acme",
    body: { reason: "its key is gone" },
  });
  assert.equal(reset.status, 200, reset.text);
  assert.equal((await logIn(without, bob)).email, bob.email);
});
