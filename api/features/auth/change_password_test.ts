import assert from "node:assert/strict";
import { failuresUntilLock } from "../../auth/throttle.ts";
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
import { waitersOnLocks } from "../../../tests/support/session_calls.ts";
import { equip, nextCode } from "../../../tests/support/totp.ts";
import { stepUpMs } from "../../middleware/access.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const good = "x9K#mQ2$vLp8";

const change = (
  api: TestApi,
  who: Persona,
  body: Record<string, unknown>,
  via: RequestOptions["via"] & object = loopback,
) => api.request("/api/v1/auth/change-password", { via, token: who.token, body });

const isAlive = async (api: TestApi, token: string) =>
  (await api.request("/api/v1/auth/me", { via: loopback, token })).status === 200;

Deno.test("change password: A1: the others' tokens end with it, the new password counts from then on, and the owner is told", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const phone = await logIn(api, bob);
  const refused = await change(api, bob, { current_password: bob.password, new_password: good });
  assert.equal(refused.status, 200, refused.text);
  assert.deepEqual(refused.body, { sessions_ended: 1 });
  assert.deepEqual([await isAlive(api, bob.token), await isAlive(api, phone.token)], [true, false]);
  const refreshed = await api.request("/api/v1/auth/refresh", {
    via: loopback,
    body: { refresh_token: phone.refreshToken },
  });
  assert.equal(refreshed.body.code, "invalid_token");
  assert.equal(await isAlive(api, acme.token), true, "nobody else's");
  const login = (password: string) =>
    api.request("/api/v1/auth/login", {
      via: loopback,
      tenant: "acme",
      body: { email: bob.email, password },
    });
  assert.equal((await login(bob.password)).status, 401);
  assert.equal((await login(good)).status, 200);
  const [mail] = await api.db.owner`select tenant_id, template from mails`;
  assert.deepEqual({ ...mail }, { tenant_id: acme.tenantId, template: "alert_password_changed" });
  const [entry] = await api.db.owner`
    select actor, actor_user_id, outcome, target_id from audit_log where action = 'user.change_password'`;
  assert.deepEqual({ ...entry }, {
    actor: "user",
    actor_user_id: bob.userId,
    outcome: "succeeded",
    target_id: String(bob.userId),
  });
  // Neither password, nor anything made of one, is in a log or in the audit log (A6).
  const rows = await api.db.owner`select a::text as text from audit_log a`;
  const everything = JSON.stringify(rows) + api.log.join("\n");
  for (const secret of [good, bob.password]) assert(!everything.includes(secret));
});

Deno.test("change password: a bad new password is named, and changes nothing", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await userOf(api, acme, { email: "ada.lovelace@acme.example" });
  const before = await databaseDigest(api.db);
  const cases: Record<string, string> = {
    "short!": "too_short",
    "Lovelace@Acme1": "personal",
    "P@ssw0rd": "too_common",
    "Password123!": "too_weak",
    [ada.password]: "unchanged",
  };
  for (const [new_password, code] of Object.entries(cases)) {
    await t.step(code, async () => {
      const reply = await change(api, ada, { current_password: ada.password, new_password });
      assert.equal(reply.status, 422, reply.text);
      assert.equal(reply.body.errors[0].path, "new_password");
      assert.equal(reply.body.errors[0].code, code);
    });
  }
  assert.deepEqual(await databaseDigest(api.db), before);
  // The same rules by the tenant's own choice.
  const chosen = await api.request("/api/v1/tenants/current", {
    method: "PATCH",
    token: acme.token,
    body: { password_policy: "length" },
  });
  assert.equal(chosen.body.password_policy, "length");
  const short = await change(api, ada, { current_password: ada.password, new_password: good });
  assert.equal(short.body.errors[0].code, "too_short");
  const new_password = "correct horse battery staple";
  const long = await change(api, ada, { current_password: ada.password, new_password });
  assert.equal(long.status, 200, long.text);
});

Deno.test("change password: a wrong current password says nothing of the new one, and counts like a failed log-in", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const wrong = { current_password: "wrong", new_password: "short" };
  for (let n = 0; n < failuresUntilLock; n++) {
    const reply = await change(api, acme, wrong);
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_credentials"]);
  }
  const bodies = [
    { current_password: acme.password, new_password: good },
    { current_password: acme.password, new_password: "short" },
  ];
  for (const body of bodies) {
    assert.equal((await change(api, acme, body)).body.code, "invalid_credentials", "locked");
  }
  assert.equal(await isAlive(api, acme.token), true, "the session goes on");
  // Somebody else's way is not barred.
  const other = { listener: "operator", address: null } as const;
  assert.equal((await change(api, acme, bodies[0] ?? {}, other)).status, 200);
});

Deno.test("change password: who has a second factor shows it first, whatever he knows of passwords", async () => {
  await using api = await testApi();
  const acme = await equip(api, await adminOf(api, "acme"));
  api.clock.advance(stepUpMs + 1);
  const body = { current_password: acme.password, new_password: good };
  const hashes = api.deps.hasher.stats.hashes;
  for (const current_password of [acme.password, "wrong"]) {
    const reply = await change(api, acme, { ...body, current_password });
    assert.deepEqual([reply.status, reply.body.code], [403, "step_up_required"]);
  }
  assert.equal(api.deps.hasher.stats.hashes, hashes);
  const stepped = await api.request("/api/v1/auth/step-up", {
    via: loopback,
    token: acme.token,
    body: { code: nextCode(api, acme) },
  });
  assert.equal(stepped.status, 200, stepped.text);
  assert.equal((await change(api, acme, body)).status, 200);
});

Deno.test("change password: of three at once one wins, and the others are told", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { asked } = await api.db.owner.begin(async (sql) => {
    await sql`select from users for update`;
    const asked = ["x9K#mQ2$vLp8", "y9K#mQ2$vLp8", "z9K#mQ2$vLp8"].map((new_password) =>
      change(api, acme, { current_password: acme.password, new_password })
    );
    // Whoever looks at the password only when it was changed would be told that it is wrong.
    await waitersOnLocks(api, asked.length);
    return { asked };
  });
  const answers = (await Promise.all(asked)).map(({ status, body }) => body.code ?? status);
  assert.deepEqual(answers.toSorted(), [200, "overtaken", "overtaken"]);
});

Deno.test("change password: takes a user's token, and no API key", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const body = { current_password: acme.password, new_password: good };
  const path = "/api/v1/auth/change-password";
  assert.equal((await api.request(path, { via: loopback, body })).status, 401);
  const { body: { key } } = await api.request("/api/v1/api-keys", {
    token: acme.token,
    body: { name: "robot", scopes: ["users.write"] },
  });
  const headers = { "X-API-Key": key };
  const keyed = await api.request(path, { via: loopback, headers, body });
  assert.deepEqual([keyed.status, keyed.body.code], [403, "forbidden"]);
  assert.equal((await logIn(api, acme)).userId, acme.userId, "the password is what it was");
  assert.equal((await api.request(path, { body })).body.code, "forbidden", "the operator");
});

Deno.test("change password: as often as a log-in in a minute", async () => {
  await using api = await testApi({ env: { RATE_LIMIT_LOGIN: "3" } });
  const acme = await adminOf(api, "acme");
  const wrong = { current_password: "wrong", new_password: good };
  const statuses = [];
  // One was used up by the log-in itself.
  for (let n = 0; n < 3; n++) statuses.push((await change(api, acme, wrong)).status);
  assert.deepEqual(statuses, [401, 401, 429]);
});
