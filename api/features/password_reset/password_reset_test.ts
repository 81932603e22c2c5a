import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";
import { tokenIn, waitingMails } from "../../../tests/support/mails.ts";
import { beginLogIn, equip, logInWithMfa, nextCode } from "../../../tests/support/totp.ts";
import { until } from "../../../tests/support/until.ts";
import { confirm, post, resetToken, strong, validate } from "../../../tests/support/reset_calls.ts";

Deno.test("password reset: a mailed link sets a new password once, ends every session and tells the owner", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const second = await logIn(api, acme);
  await api.db.owner`update users set locale = 'fr' where id = ${acme.userId}`;
  const token = await resetToken(api, acme.email);
  const [asked] = await waitingMails(api);
  assert.deepEqual([asked?.to, asked?.locale], [acme.email, "fr"]);
  for (let n = 0; n < 3; n++) {
    assert.equal((await validate(api, token)).status, 200, "uses nothing");
  }
  const weak = await confirm(api, token, "password");
  assert.equal(weak.status, 422);
  assert.equal(weak.body.errors[0].path, "new_password");
  const own = await confirm(api, token, "Admin@Example1!");
  assert.equal(own.body.errors[0].code, "personal");
  const done = await confirm(api, token);
  assert.deepEqual([done.status, done.body], [200, { sessions_ended: 2 }]);
  for (const { token } of [acme, second]) {
    assert.equal((await api.request("/api/v1/auth/me", { token })).status, 401);
  }
  const again = await confirm(api, token);
  assert.deepEqual([again.status, again.body.code], [404, "not_found"]);
  assert.equal((await validate(api, token)).status, 404);
  await logIn(api, { ...acme, password: strong });
  assert.equal(
    (await post(api, "/auth/login", { email: acme.email, password: acme.password })).status,
    401,
  );
  const told = (await waitingMails(api)).map((mail) => [mail.to, mail.template]);
  assert.deepEqual(told.at(-1), [acme.email, "alert_password_changed"]);
  const actions = await api.db.owner`
    select action, outcome, actor from audit_log where action like 'password_reset.%' order by id`;
  assert.deepEqual(actions.map((row) => Object.values(row).join(" ")), [
    "password_reset.request succeeded anonymous",
    "password_reset.confirm succeeded user",
  ]);
  // A6: the links were in no log, the path that carries one included.
  assert.ok(api.log.join("\n").includes("/password-reset/validate/{token}"));
  assert.ok(!api.log.join("\n").includes(token) && !api.log.join("\n").includes(strong));
});

Deno.test("password reset: of fifty who bring one token one gets through; a newer link voids the older, time voids both", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  const acme = await adminOf(api, "acme");
  const token = await resetToken(api, acme.email);
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, n) => confirm(api, token, `${strong}${n}`)),
  );
  const statuses = Map.groupBy(replies, (reply) => reply.status);
  assert.equal(statuses.get(200)?.length, 1, [...statuses.keys()].join());
  assert.equal(replies.filter((reply) => ![200, 404, 503].includes(reply.status)).length, 0);
  const [entries] = await api.db.owner`
    select count(*)::integer as n from audit_log where action = 'password_reset.confirm'`;
  assert.equal(entries?.n, 1);

  const older = await resetToken(api, acme.email);
  const newer = await resetToken(api, acme.email);
  assert.deepEqual([(await validate(api, older)).status, (await validate(api, newer)).status], [
    404,
    200,
  ]);
  api.clock.advance(30 * 60_000);
  assert.equal((await validate(api, newer)).status, 404);
  assert.equal((await confirm(api, newer)).status, 404);
});

Deno.test("password reset: A1: a link that waits ends with what its user was known by: another password, or an admin's word", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const eve = await userOf(api, acme, { email: "eve@acme.example" });
  const links = [await resetToken(api, bob.email), await resetToken(api, eve.email)] as const;
  const changed = await api.request("/api/v1/auth/change-password", {
    via: loopback,
    token: bob.token,
    body: { current_password: bob.password, new_password: "x9K#mQ2$vLp8" },
  });
  assert.equal(changed.status, 200, changed.text);
  assert.equal((await validate(api, links[0])).status, 404);
  assert.equal((await confirm(api, links[0])).status, 404);
  assert.equal((await validate(api, links[1])).status, 200, "another's goes on");
  const ended = await api.request(`/api/v1/users/${eve.userId}/sessions`, {
    method: "DELETE",
    token: acme.token,
  });
  assert.deepEqual(ended.body, { sessions_ended: 1 });
  assert.equal((await confirm(api, links[1])).status, 404);
  const again = await resetToken(api, eve.email);
  assert.equal((await confirm(api, again)).status, 200, "and another one may be asked for");
});

Deno.test("password reset: N3: another tenant's token, one of no form, and that of who is inactive are unknown alike", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const token = await resetToken(api, bob.email);
  const expected = await validate(api, "A".repeat(43));
  const alike = async (reply: Promise<{ status: number; body: Record<string, unknown> }>) => {
    const { status, body } = await reply;
    assert.deepEqual({ status, body: { ...body, request_id: "" } }, {
      status: 404,
      body: { ...expected.body, request_id: "" },
    });
  };
  await alike(validate(api, token, "other"));
  await alike(validate(api, token, "nowhere"));
  await alike(validate(api, "x"));
  await alike(
    post(api, "/password-reset/confirm", { token, new_password: strong }, { tenant: "other" }),
  );
  await api.db.owner`update users set status = 'inactive' where id = ${bob.userId}`;
  await alike(validate(api, token));
  await alike(confirm(api, token));
  await api.db
    .owner`update users set status = 'active', email = 'rob@acme.example' where id = ${bob.userId}`;
  await alike(confirm(api, token));
  assert.equal((await api.db.owner`select from one_time_tokens`).length, 1);
});

Deno.test("password reset: A3: the second factor is asked for as ever, and no trust in a device or half a log-in outlives it", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  const acme = await equip(api, await adminOf(api, "acme"));
  const { peer } = (await api.request("/api/v1/wireguard/peers", {
    token: acme.token,
    body: { name: "laptop" },
  })).body;
  const via = tunnelFrom(peer.address);
  const { trustedDevice } = await logInWithMfa(api, acme, { via, body: { trust_device: true } });
  assert.ok(trustedDevice);
  const half = await beginLogIn(api, acme, { via });
  const token = await resetToken(api, acme.email);
  assert.equal((await confirm(api, token)).status, 200);
  const changed = { ...acme, password: strong };
  const login = await post(
    api,
    "/auth/login",
    { email: acme.email, password: strong, trusted_device: trustedDevice },
    { via },
  );
  assert.equal(login.body.mfa_required, true, login.text);
  const finished = await post(
    api,
    "/auth/login/mfa",
    { mfa_session_token: half, code: nextCode(api, acme) },
    { via },
  );
  assert.equal(finished.status, 401, "the half that the old password began");
  await logInWithMfa(api, changed, { via });
});

Deno.test("password reset, verify-email: a user who is deactivated, or has another address, while his link is brought, is let through by none", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const changes = {
    deactivated: "status = 'inactive'",
    "another address": "email = 'new-' || email, email_verified_at = null",
  };
  const waits = async () => {
    const [row] = await api.db.superuser<[{ n: number }]>`
      select count(*)::integer as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    return row.n > 0;
  };
  const links = {
    "password-reset/confirm": { ask: "/password-reset/request", more: { new_password: strong } },
    "auth/verify-email": { ask: "/auth/verify-email/resend", more: {} },
  };
  for (const [path, { ask, more }] of Object.entries(links)) {
    for (const [name, change] of Object.entries(changes)) {
      await t.step(`${path}: ${name}`, async () => {
        const { userId, email } = await userOf(api, acme, {
          email: `${crypto.randomUUID()}@acme.example`,
        });
        assert.equal((await post(api, ask, { email })).status, 202);
        const token = tokenIn((await waitingMails(api)).findLast((mail) => mail.to === email));
        const kept = async () => {
          const [row] = await api.db.owner`
            select password_hash, email_verified_at, (select count(*)::integer from one_time_tokens o
              where o.user_id = u.id) as links from users u where id = ${userId}`;
          return { ...row };
        };
        const before = await kept();
        let reply: ReturnType<typeof post> | undefined;
        await api.db.owner.begin(async (sql) => {
          await sql.unsafe(`update users set ${change} where id = ${userId}`);
          reply = post(api, `/${path}`, { token, ...more });
          await until("it waits for the user", waits);
        });
        const { status, body } = await reply ?? {};
        assert.deepEqual([status, body.code], [404, "not_found"]);
        assert.deepEqual(await kept(), before);
      });
    }
  }
});
