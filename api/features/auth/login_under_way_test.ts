import assert from "node:assert/strict";
import { hashSync } from "bcryptjs";
import { delayAfter } from "../../auth/throttle.ts";
import {
  adminOf,
  loopback,
  operator,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { tokenIn, waitingMails } from "../../../tests/support/mails.ts";
import { beginLogIn, codeAt, equip, nextCode } from "../../../tests/support/totp.ts";
import { until } from "../../../tests/support/until.ts";

const good = "x9K#mQ2$vLp8";

/** A timer by which nobody waits, but for the next one where that was asked for. */
function holdingTimer() {
  let next: { arrive(): void; opened: Promise<void> } | undefined;
  return {
    now: () => performance.now(),
    pause(): Promise<void> {
      const held = next;
      next = undefined;
      held?.arrive();
      return held?.opened ?? Promise.resolve();
    },
    holdNext() {
      const [arrived, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      next = { arrive: arrived.resolve, opened: opened.promise };
      return { arrived: arrived.promise, open: opened.resolve };
    },
  };
}

const login = (api: TestApi, who: Persona, password = who.password, via = loopback) =>
  api.request("/api/v1/auth/login", {
    via,
    tenant: who.slug,
    body: { email: who.email, password },
  });

async function expect(status: number, reply: ReturnType<TestApi["request"]>) {
  const answer = await reply;
  assert.equal(answer.status, status, answer.text);
  return answer;
}

/** What an attempt comes to that has read the hash before `meanwhile`, and looks at the password after it. */
async function underWay(
  api: TestApi,
  timer: ReturnType<typeof holdingTimer>,
  { who, meanwhile }: { who: Persona; meanwhile: () => Promise<unknown> },
) {
  for (let n = 0; delayAfter(n) === 0; n++) await expect(401, login(api, who, "wrong"));
  const held = timer.holdNext();
  const reply = login(api, who);
  await Promise.race([held.arrived, reply]);
  try {
    await meanwhile();
  } finally {
    held.open();
  }
  return await reply;
}

const leftOf = async (api: TestApi, who: Persona) => {
  const [row] = await api.db.owner`
    select (select count(*)::integer from sessions where user_id = ${who.userId} and ended_at is null) as sessions,
      (select count(*)::integer from login_challenges where user_id = ${who.userId}) as challenges`;
  return { ...row };
};

async function waiting(api: TestApi): Promise<number> {
  const [row] = await api.db.superuser<[{ n: number }]>`
    select count(*)::integer as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  return row.n;
}

const limitSessions = (api: TestApi, { token }: Persona, session_limit: number | null) =>
  expect(
    200,
    api.request("/api/v1/tenants/current", { method: "PATCH", token, body: { session_limit } }),
  );

Deno.test("login: A1: one under way while its password is changed or reset, or its user deactivated, opens nothing", async (t) => {
  const timer = holdingTimer();
  await using api = await testApi({ timer });
  const acme = await adminOf(api, "acme");
  const meanwhile: Record<string, (bob: Persona) => Promise<unknown>> = {
    "password changed": (bob) =>
      expect(
        200,
        api.request("/api/v1/auth/change-password", {
          token: bob.token,
          body: { current_password: bob.password, new_password: good },
        }),
      ),
    async "password reset"(bob) {
      const send = (path: string, body: unknown) =>
        api.request(`/api/v1/password-reset/${path}`, { tenant: "acme", body });
      await expect(202, send("request", { email: bob.email }));
      const mails = await waitingMails(api);
      const token = tokenIn(mails.findLast((mail) => mail.template === "password_reset"));
      await expect(200, send("confirm", { token, new_password: good }));
    },
    "others that failed, as many as lock": () =>
      api.db.owner`
        insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
        select a.tenant_id, a.identifier_digest, a.source, 'failed', a.at
        from (select * from login_attempts where outcome = 'failed' order by id desc limit 1) a,
          generate_series(1, 10)`,
    deactivated: (bob) =>
      expect(
        200,
        api.request(`/api/v1/users/${bob.userId}/deactivate`, {
          method: "POST",
          token: acme.token,
        }),
      ),
  };
  // With a limit of sessions a log-in goes the long way.
  for (const limit of [null, 100]) {
    await limitSessions(api, acme, limit);
    for (const [name, apply] of Object.entries(meanwhile)) {
      await t.step(`${name}, ${limit === null ? "in one message" : "the long way"}`, async () => {
        const email = `${crypto.randomUUID()}@acme.example`;
        const bob = await userOf(api, acme, { email });
        const reply = await underWay(api, timer, { who: bob, meanwhile: () => apply(bob) });
        assert.deepEqual([reply.status, reply.body.code], [401, "invalid_credentials"]);
        const own = name === "password changed" || name.startsWith("others") ? 1 : 0;
        assert.deepEqual(await leftOf(api, bob), { sessions: own, challenges: 0 });
      });
    }
  }
  await t.step("between its two steps", async () => {
    const eve = await equip(api, await userOf(api, acme, { email: "eve@acme.example" }));
    const reply = await underWay(api, timer, {
      who: eve,
      meanwhile: () => meanwhile["password reset"]?.(eve) ?? Promise.reject(),
    });
    assert.equal(reply.status, 401, reply.text);
    assert.deepEqual(await leftOf(api, eve), { sessions: 0, challenges: 0 });
  });
});

Deno.test("login: A1: one that comes while its password is being changed waits for that, and opens nothing", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const changes = {
    password: "password_hash = (select password_hash from users where email like 'admin@%')",
    status: "status = 'inactive'",
  };
  for (const limit of [null, 100]) {
    await limitSessions(api, acme, limit);
    for (const [name, change] of Object.entries(changes)) {
      await t.step(`${name}, ${limit === null ? "in one message" : "the long way"}`, async () => {
        const bob = await userOf(api, acme, { email: `${crypto.randomUUID()}@acme.example` });
        await api.db
          .owner`update sessions set ended_at = now(), ended_reason = 'logout' where user_id = ${bob.userId}`;
        let reply: ReturnType<typeof login> | undefined;
        await api.db.owner.begin(async (sql) => {
          await sql.unsafe(`update users set ${change} where id = ${bob.userId}`);
          reply = login(api, bob);
          await until("it waits", async () => await waiting(api) > 0);
        });
        assert.equal((await reply)?.status, 401);
        assert.deepEqual(await leftOf(api, bob), { sessions: 0, challenges: 0 });
      });
    }
  }
});

Deno.test("login: a hash that another log-in renewed meanwhile is the same password's, and fails nobody", async () => {
  const timer = holdingTimer();
  await using api = await testApi({ timer });
  const acme = await adminOf(api, "acme");
  const weak = hashSync(acme.password, 10);
  await api.db.owner`update users set password_hash = ${weak} where id = ${acme.userId}`;
  const reply = await underWay(api, timer, {
    who: acme,
    meanwhile: () => expect(200, login(api, acme, acme.password, operator)),
  });
  assert.equal(reply.status, 200, reply.text);
  const [row] = await api.db.owner`select password_hash from users where id = ${acme.userId}`;
  assert.match(row?.password_hash, /^\$argon2id\$/);
});

/** Two answers: of what opens a session, held right before it does, and of what comes meanwhile and waits, or is done. */
async function whileOpening(
  api: TestApi,
  opens: () => ReturnType<TestApi["request"]>,
  comes: () => ReturnType<TestApi["request"]>,
) {
  await api.db.owner.unsafe(`
    create function hold() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock(4711); return new; end
    $$;
    create trigger hold before insert on sessions for each row execute function hold();`);
  const replies: ReturnType<TestApi["request"]>[] = [];
  await api.db.owner.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(4711)`;
    replies.push(opens());
    await until("it opens a session, and waits", async () => await waiting(api) === 1);
    let done = false;
    replies.push(comes().finally(() => done = true));
    await until("the other waits, or is done", async () => done || await waiting(api) === 2);
  });
  return await Promise.all(replies);
}

Deno.test("login: A1, A3: one that saw no second factor, while one is put in place, ends with that", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { token } = acme;
  const setup = await expect(200, api.request("/api/v1/mfa/setup", { method: "POST", token }));
  const code = codeAt(setup.body.secret, api.clock.now());
  const [opened, enabled] = await whileOpening(
    api,
    () => login(api, acme),
    () => api.request("/api/v1/mfa/enable", { token, body: { code } }),
  );
  assert.deepEqual([opened?.status, enabled?.status], [200, 200]);
  const me = (token: string) => api.request("/api/v1/auth/me", { via: loopback, token });
  await expect(401, me(opened?.body.access_token));
  await expect(200, me(token));
});

Deno.test("login/mfa: A1: one that completes while its user is deactivated is ended by that, and both are answered", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const eve = await equip(api, await userOf(api, acme, { email: "eve@acme.example" }));
  const mfa_session_token = await beginLogIn(api, eve);
  const code = nextCode(api, eve);
  const [opened, deactivated] = await whileOpening(
    api,
    () =>
      api.request("/api/v1/auth/login/mfa", {
        via: loopback,
        tenant: eve.slug,
        body: { mfa_session_token, code },
      }),
    () =>
      api.request(`/api/v1/users/${eve.userId}/deactivate`, { method: "POST", token: acme.token }),
  );
  assert.deepEqual([opened?.status, deactivated?.status], [200, 200], deactivated?.text);
  assert.deepEqual(await leftOf(api, eve), { sessions: 0, challenges: 0 });
});

Deno.test("mfa: A3: what a log-in got to set a factor up with replaces none that is there by then", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const eve = await equip(api, await userOf(api, acme, { email: "eve@acme.example" }));
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  await api.db.owner`update users set mfa_required = true where id = ${bob.userId}`;
  const begun = await expect(200, login(api, bob));
  const send = (path: string, body?: unknown) =>
    api.request(`/api/v1/mfa/${path}`, {
      method: "POST",
      via: loopback,
      token: begun.body.mfa_setup_token,
      body,
    });
  const { body } = await expect(200, send("setup"));
  await api.db.owner`
    insert into mfa_factors (tenant_id, user_id, key_id, sealed_secret, enabled_at, last_step)
    select tenant_id, ${bob.userId}, key_id, sealed_secret, enabled_at, last_step from mfa_factors
    where user_id = ${eve.userId}`;
  const codes = [
    await send("setup"),
    await send("enable", { code: codeAt(body.secret, api.clock.now()) }),
  ].map((reply) => [reply.status, reply.body.code]);
  assert.deepEqual(codes, [[401, "invalid_token"], [401, "invalid_token"]]);
});

Deno.test("mfa: a factor that is demanded while it is being taken away stays", async () => {
  await using api = await testApi();
  const eve = await equip(api, await adminOf(api, "acme"));
  const body = { password: eve.password, code: nextCode(api, eve) };
  let done = false;
  let reply: ReturnType<TestApi["request"]> | undefined;
  await api.db.owner.begin(async (sql) => {
    await sql`update users set mfa_required = true where id = ${eve.userId}`;
    reply = api.request("/api/v1/mfa/disable", { via: loopback, token: eve.token, body })
      .finally(() => done = true);
    await until("it waits, or is done", async () => done || await waiting(api) > 0);
  });
  assert.equal((await reply)?.body.code, "mfa_demanded");
  const [left] = await api.db.owner`select count(*)::integer as n from mfa_factors`;
  assert.equal(left?.n, 1);
});

Deno.test("step-up: A3: a password that was being looked at while a second factor is put in place shows nothing any more", async () => {
  const timer = holdingTimer();
  await using api = await testApi({ timer });
  const acme = await adminOf(api, "acme");
  for (let n = 0; delayAfter(n) === 0; n++) await expect(401, login(api, acme, "wrong"));
  const held = timer.holdNext();
  const reply = api.request("/api/v1/auth/step-up", {
    via: loopback,
    token: acme.token,
    body: { password: acme.password },
  });
  await Promise.race([held.arrived, reply]);
  try {
    await equip(api, acme);
    await api.db.owner`update sessions set stepped_up_at = null`;
  } finally {
    held.open();
  }
  const { status, body } = await reply;
  assert.deepEqual([status, body.code], [403, "step_up_required"]);
  const shown = await api.db.owner`select from sessions where stepped_up_at is not null`;
  assert.equal(shown.length, 0);
});
