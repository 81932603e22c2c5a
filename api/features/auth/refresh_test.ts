import assert from "node:assert/strict";
import { me, refresh, waitersOnLocks } from "../../../tests/support/session_calls.ts";
import { graceMs } from "../../auth/refresh_policy.ts";
import { adminOf, testApi, userOf } from "../../../tests/support/api.ts";

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

Deno.test("refresh: A1: nothing is refreshed of an inactive user or a suspended tenant, though his session has not ended, and one that has ended does not end again", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  // Not the last admin, which the database keeps.
  const { refreshToken, userId } = await userOf(api, acme, { email: "bob@acme.example" });
  const { tenantId } = acme;
  const ends = async () =>
    (await api.db.owner`select from audit_log where action = 'session.end'`).length;
  for (
    const [table, on, off] of [["users", "active", "inactive"], ["tenants", "active", "suspended"]]
  ) {
    const id = table === "users" ? userId : tenantId;
    const set = (status = "") =>
      api.db.owner`update ${api.db.owner(table ?? "")} set status = ${status} where id = ${id}`;
    await set(off);
    assert.equal((await refresh(api, refreshToken)).status, 401, off);
    await set(on);
    assert.equal((await api.db.owner`select from sessions where ended_at is not null`).length, 0);
  }
  const { status, body } = await refresh(api, refreshToken);
  assert.equal(status, 200);
  // Shortened since the token was made, which itself goes on for longer.
  const [session] = await api.db.owner`
    select expires_at, refresh_expires_at from sessions where user_id = ${userId}`;
  const end = (at: Date, idle: Date) =>
    api.db.owner`
      update sessions set expires_at = ${at}, refresh_expires_at = ${idle} where user_id = ${userId}`;
  await end(new Date(api.clock.now()), new Date(api.clock.now()));
  assert.equal((await refresh(api, body.refresh_token)).status, 401, "it has ended");
  await end(session?.expires_at, session?.refresh_expires_at);
  assert.equal((await refresh(api, body.refresh_token)).status, 200);
  await api.db.owner`update users set mfa_required = true where id = ${userId}`;
  await api.db.owner`
    update sessions set ended_at = ${new Date(
    api.clock.now(),
  )}, ended_reason = 'logout' where user_id = ${userId}`;
  const before = await ends();
  assert.equal((await refresh(api, refreshToken)).status, 401);
  assert.equal(await ends(), before);
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
