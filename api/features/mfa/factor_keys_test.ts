import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  type TestApi,
  testApi,
  testSecrets,
  userOf,
} from "../../../tests/support/api.ts";
import { post } from "../../../tests/support/mfa_calls.ts";
import { equip, type Equipped, logInWithMfa, nextCode } from "../../../tests/support/totp.ts";

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

  const eve = await userOf(api, acme, { email: "eve@acme.example" });
  const waiting = await post(api, eve, "/mfa/setup");
  assert.equal(waiting.status, 200, waiting.text);
  await api.db
    .owner`update mfa_pending_factors set key_id = '0123456789abcdef' where user_id = ${eve.userId}`;
  const enabled = await post(api, eve, "/mfa/enable", { code: "123456" });
  assert.deepEqual([enabled.status, enabled.body.code], [503, "factor_unreadable"], enabled.text);
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
