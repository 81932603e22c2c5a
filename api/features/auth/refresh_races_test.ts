import assert from "node:assert/strict";
import { graceMs } from "../../auth/refresh_policy.ts";
import {
  adminOf,
  loopback,
  type Persona,
  type TestApi,
  testApi,
} from "../../../tests/support/api.ts";
import { refresh, waitersOnLocks } from "../../../tests/support/session_calls.ts";

const me = async (api: TestApi, token: string) =>
  (await api.request("/api/v1/auth/me", { via: loopback, token })).status;

async function sessionOf(api: TestApi, who: Persona) {
  const [row] = await api.db.owner`
    select refresh_counter as counter, ended_reason as ended from sessions
    where tenant_id = ${who.tenantId} and user_id = ${who.userId}`;
  return row;
}

Deno.test("refresh: A2: a stolen token that is presented before its owner's next makes no second line of tokens", async () => {
  await using api = await testApi();
  const owner = await adminOf(api, "acme");
  const first = await refresh(api, owner.refreshToken);
  // The thief has the token that the owner exchanged a moment ago, and cannot be told from a lost answer.
  api.clock.advance(60_000);
  const thief = await refresh(api, owner.refreshToken);
  assert.equal(thief.body.refresh_token, first.body.refresh_token, "the one token that there is");
  // Whoever goes on makes the other one a reuse: here the owner does, and the thief comes late.
  const second = await refresh(api, first.body.refresh_token);
  const third = await refresh(api, second.body.refresh_token);
  assert.equal(third.status, 200);
  api.clock.advance(graceMs + 1);
  assert.equal((await refresh(api, thief.body.refresh_token)).status, 401);
  assert.equal((await sessionOf(api, owner))?.ended, "refresh_reuse");
  for (const reply of [thief, second, third]) {
    assert.equal(await me(api, reply.body.access_token), 401, "nothing of the family is left");
    assert.equal((await refresh(api, reply.body.refresh_token)).status, 401);
  }
});

Deno.test("refresh: A2: a thief who goes on is found out by the owner's next refresh, and both are out", async () => {
  await using api = await testApi();
  const owner = await adminOf(api, "acme");
  const thief = await refresh(api, owner.refreshToken);
  const further = await refresh(api, thief.body.refresh_token);
  assert.equal((await refresh(api, further.body.refresh_token)).status, 200);
  api.clock.advance(graceMs + 1);
  const back = await refresh(api, owner.refreshToken);
  assert.equal(back.status, 401);
  assert.equal(await me(api, owner.token), 401);
  assert.equal(await me(api, further.body.access_token), 401);
  const [entry] = await api.db.owner`
    select details from audit_log where action = 'session.end'`;
  assert.equal(entry?.details.reason, "refresh_reuse");
});

Deno.test("refresh: A1, A2: one that waits while its session ends gets nothing", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { body: { refresh_token: newest } } = await refresh(api, acme.refreshToken);
  const waiting = await api.db.owner.begin(async (sql) => {
    await sql`update sessions set ended_at = ${new Date(
      api.clock.now(),
    )}, ended_reason = 'revoked'`;
    // With the newest token, and with the one before, which takes the longer way.
    const asked = Array.from(
      { length: 6 },
      (_, n) => refresh(api, n % 2 ? newest : acme.refreshToken),
    );
    await waitersOnLocks(api, asked.length);
    return { asked };
  });
  for (const reply of await Promise.all(waiting.asked)) assert.equal(reply.status, 401);
  assert.equal((await sessionOf(api, acme))?.counter, 1);
});

Deno.test("refresh: A1, A2: of fifty refreshes and an end at once, nothing that was handed out lives on", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const logout = api.request("/api/v1/auth/logout", {
    method: "POST",
    token: acme.token,
    body: { all_sessions: true },
  });
  const [ended, ...replies] = await Promise.all([
    logout,
    ...Array.from({ length: 50 }, () => refresh(api, acme.refreshToken)),
  ]);
  assert.equal(ended.status, 200);
  for (const reply of replies.filter((reply) => reply.status === 200)) {
    assert.equal(await me(api, reply.body.access_token), 401);
    assert.equal((await refresh(api, reply.body.refresh_token)).status, 401);
  }
});

Deno.test("refresh: A2, D1: where the commit fails nothing is handed out, and the token before stays good", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const faults: Record<string, string> = {
    "a constraint at commit": "raise 'no commit'",
    "the connection gone at commit": "perform pg_terminate_backend(pg_backend_pid())",
  };
  let token = acme.refreshToken;
  for (const [fault, statement] of Object.entries(faults)) {
    const before = await sessionOf(api, acme);
    await api.db.superuser.unsafe(`
      create function fail() returns trigger language plpgsql security definer
        as $$ begin ${statement}; return null; end $$;
      create constraint trigger fail after insert or update on sessions
        deferrable initially deferred for each row execute function fail()`);
    const failed = await refresh(api, token);
    assert([500, 503].includes(failed.status), `${fault}: ${failed.status}`);
    assert(!/token"/.test(failed.text), fault);
    const login = await api.request("/api/v1/auth/login", {
      via: loopback,
      tenant: "acme",
      body: { email: acme.email, password: acme.password },
    });
    assert([500, 503].includes(login.status), `${fault}: ${login.status}`);
    assert(!/token"/.test(login.text), fault);
    await api.db.superuser.unsafe("drop function fail cascade");
    assert.deepEqual(await sessionOf(api, acme), before, fault);
    const again = await refresh(api, token);
    assert.equal(again.status, 200, fault);
    assert.equal(await me(api, again.body.access_token), 200);
    token = again.body.refresh_token;
  }
});

Deno.test("refresh: A2: an end of the family that cannot be committed is not answered as one", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const second = await refresh(api, acme.refreshToken);
  const third = await refresh(api, second.body.refresh_token);
  api.clock.advance(graceMs + 1);
  await api.db.superuser.unsafe(`
    create function fail() returns trigger language plpgsql as $$ begin raise 'no commit'; end $$;
    create constraint trigger fail after update on sessions
      deferrable initially deferred for each row execute function fail()`);
  assert.equal((await refresh(api, acme.refreshToken)).status, 500);
  await api.db.superuser.unsafe("drop function fail cascade");
  assert.equal((await sessionOf(api, acme))?.ended, null);
  assert.equal((await refresh(api, acme.refreshToken)).status, 401, "and is made up for");
  assert.equal((await refresh(api, third.body.refresh_token)).status, 401);
});
