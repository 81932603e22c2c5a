import assert from "node:assert/strict";
import { complete, login } from "../../../tests/support/mfa_calls.ts";
import { resigned } from "../../../tests/support/token_attacks.ts";
import {
  adminOf,
  loopback,
  peerOf,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import {
  beginLogIn,
  equip,
  type Equipped,
  logInWithMfa,
  nextCode,
} from "../../../tests/support/totp.ts";

const me = (api: TestApi, token: string) => api.request("/api/v1/auth/me", { token });

Deno.test("login/mfa: a code completes the log-in once, and its token is good for that alone", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  const token = await beginLogIn(api, ada);
  // The token opens nothing else, and nothing else opens this.
  for (const path of ["/auth/me", "/mfa/status", "/sessions"]) {
    const reply = await api.request(`/api/v1${path}`, { via: loopback, token });
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], path);
  }
  const setup = await api.request("/api/v1/mfa/setup", { method: "POST", via: loopback, token });
  assert.equal(setup.status, 401);
  for (const other of [ada.token, ada.refreshToken, resigned(token), "x"]) {
    const reply = await complete(api, other, "123456");
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"]);
  }
  assert.equal((await complete(api, token, nextCode(api, ada))).status, 200);
  const again = await complete(api, token, nextCode(api, ada));
  assert.deepEqual([again.status, again.body.code], [401, "invalid_token"]);
  // A recovery code does the same, once.
  const [recovery = ""] = ada.recoveryCodes;
  const second = await beginLogIn(api, ada);
  const done = await complete(api, second, recovery.toLowerCase());
  assert.equal(done.status, 200, done.text);
  assert.equal((await me(api, done.body.access_token)).body.mfa_enabled, true);
  assert.equal((await complete(api, await beginLogIn(api, ada), recovery)).status, 401);
  const mails = await api.db.owner`select template from mails order by created_at, id`;
  assert.deepEqual(mails.map(({ template }) => template), [
    "alert_mfa_enabled",
    "alert_recovery_code_used",
  ]);
});

Deno.test("login/mfa: A3: of fifty at once with one token and code, one opens a session", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  const code = nextCode(api, ada);
  const token = await beginLogIn(api, ada);
  const [before] = await api.db.owner`select count(*)::integer as n from sessions`;
  const replies = await Promise.all(Array.from({ length: 50 }, () => complete(api, token, code)));
  assert.equal(replies.filter(({ status }) => status === 200).length, 1);
  const [after] = await api.db.owner`select count(*)::integer as n from sessions`;
  assert.equal(after?.n, before?.n + 1);
});

Deno.test("login/mfa: ends after five minutes, with the password, and with the user", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ends: Record<string, (who: Equipped) => Promise<unknown>> = {
    "five minutes": () => Promise.resolve(api.clock.advance(5 * 60_000 + 1000)),
    "another password": (who) =>
      api.request("/api/v1/auth/change-password", {
        via: loopback,
        token: who.token,
        body: { current_password: who.password, new_password: "Kx9!vLq2#tRw-Zm7" },
      }),
    "deactivation": (who) =>
      api.db.owner`update users set status = 'inactive' where id = ${who.userId}`,
    "suspension": () => api.db.owner`update tenants set status = 'suspended'`,
  };
  for (const [name, end] of Object.entries(ends)) {
    await t.step(name, async () => {
      const email = `${name.replaceAll(" ", "-")}@acme.example`;
      const bob = await equip(api, await userOf(api, acme, { email }));
      const fresh = await logInWithMfa(api, bob);
      const token = await beginLogIn(api, bob);
      await end(fresh);
      const before = await databaseDigest(api.db);
      const reply = await complete(api, token, nextCode(api, bob));
      assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], reply.text);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
});

Deno.test("login/mfa: T10: goes on through the peer that it began on, in its tenant, and nowhere else", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const ada = await equip(api, acme);
  const [own, second, machine, foreign] = [
    (await peerOf(api, acme, { user_id: acme.userId })).via,
    (await peerOf(api, acme, { user_id: acme.userId })).via,
    (await peerOf(api, acme)).via,
    (await peerOf(api, other)).via,
  ];
  const token = await beginLogIn(api, ada, { via: own });
  for (const via of [second, machine, foreign, loopback]) {
    const reply = await complete(api, token, nextCode(api, ada), { via });
    assert.deepEqual([reply.status, reply.body.code], [403, "wrong_tunnel"], JSON.stringify(via));
  }
  const entries = await api.db.owner`
    select tenant_id from audit_log where action = 'tunnel.refuse' order by id`;
  assert.deepEqual(entries.map((entry) => entry.tenant_id), [
    acme.tenantId,
    acme.tenantId,
    other.tenantId,
    acme.tenantId,
  ]);
  // N3: another tenant's name and an unknown one are the same; none at all is another matter.
  const off = await beginLogIn(api, ada);
  for (const tenant of ["other", other.tenantId, "nowhere", 4711]) {
    const reply = await complete(api, off, nextCode(api, ada), { tenant });
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], String(tenant));
  }
  const missing = await api.request("/api/v1/auth/login/mfa", {
    via: loopback,
    body: { mfa_session_token: off, code: "123456" },
  });
  assert.equal(missing.body.code, "tenant_required");
});

Deno.test("login: A4: a wrong password of a user with a second factor looks like any other", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await equip(api, acme);
  const wrong = await login(api, { ...ada, password: "wrong" });
  const unknown = await login(api, { ...ada, email: "nobody@acme.example" });
  assert.equal(wrong.status, 401);
  assert.deepEqual({ ...wrong.body, request_id: "" }, { ...unknown.body, request_id: "" });
  assert.deepEqual([...wrong.headers.keys()], [...unknown.headers.keys()]);
  const trusted = await login(api, { ...ada, password: "wrong" }, {
    trusted_device: "x".repeat(43),
  });
  assert.deepEqual({ ...trusted.body, request_id: "" }, { ...unknown.body, request_id: "" });
});
