import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  operator,
  type Persona,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { post } from "../../../tests/support/mfa_calls.ts";
import { codeAt, equip, logInWithMfa, nextCode, wrongCodeAt } from "../../../tests/support/totp.ts";

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
  const wrong = await post(api, later, "/mfa/enable", {
    code: wrongCodeAt(secret, api.clock.now()),
  });
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
      const refused = await post(api, bob, "/auth/step-up", body);
      assert.deepEqual([refused.status, refused.body.errors[0].path], [422, "code"], refused.text);
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
