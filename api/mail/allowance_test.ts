import assert from "node:assert/strict";
import { adminOf, as, loopback, peerOf, testApi, userOf } from "../../tests/support/api.ts";
import { waitingMails } from "../../tests/support/mails.ts";
import { alertsAnHour } from "./allowance.ts";

const inProcess = "counts its mails in memory";

Deno.test("mail: a tenant's hour of one kind is bounded, raced and told; other kinds and tenants have theirs", async () => {
  await using api = await testApi({ env: { MAIL_TENANT_HOURLY: "5" }, inProcess });
  const acme = await adminOf(api, "acme");
  const invite = (who: { token: string }, n: number) =>
    api.request(
      "/api/v1/users/invitations",
      as(who, {
        body: { email: `guest${n}@elsewhere.example`, enrolment: false },
      }),
    );
  const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => invite(acme, n)));
  const refused = replies.filter(({ status }) => status !== 201);
  assert.equal(refused.length, 15, replies.map(({ text }) => text).join("\n"));
  for (const reply of refused) {
    assert.deepEqual([reply.status, reply.body.code], [429, "too_many_mails"], reply.text);
    assert(Number(reply.headers.get("retry-after")) > 3000);
  }
  assert.equal((await waitingMails(api)).length, 5, "nothing of what was refused is left");
  const [{ invitations, told }] = await api.db.owner<[{ invitations: number; told: number }]>`
    select (select count(*)::integer from invitations where tenant_id = ${acme.tenantId}) as invitations,
      (select count(*)::integer from audit_log where action = 'access.refuse'
        and details ->> 'code' = 'too_many_mails' and actor_user_id = ${acme.userId}) as told`;
  assert.deepEqual([invitations, told], [5, 15]);

  // What is shown and not mailed costs nobody's name.
  const inline = await api.request(
    "/api/v1/users/invitations",
    as(acme, {
      body: { email: "inline@elsewhere.example", enrolment: false, delivery: "inline" },
    }),
  );
  assert.equal(inline.status, 201, inline.text);
  const moved = await userOf(api, acme, { email: "moves@acme.example" });
  const patch = await api.request(
    `/api/v1/users/${moved.userId}`,
    as(acme, {
      method: "PUT",
      body: { email: "moved@acme.example" },
    }),
  );
  assert.equal(patch.status, 200, patch.text);
  const other = await adminOf(api, "other");
  assert.equal((await invite(other, 0)).status, 201);
});

Deno.test("password reset: A4, A5: a tenant's hour is used up by mails that leave, answered alike, and not through one's own peer", async () => {
  await using api = await testApi({ env: { MAIL_TENANT_HOURLY: "2" }, inProcess });
  const acme = await adminOf(api, "acme");
  const own = await peerOf(api, acme, { user_id: acme.userId });
  const users = [];
  for (const name of ["a", "b", "c"]) {
    users.push(await userOf(api, acme, { email: `${name}@acme.example` }));
  }
  const ask = (email: string, via = loopback) =>
    api.request("/api/v1/password-reset/request", { tenant: "acme", via, body: { email } });
  for (let n = 0; n < 9; n++) await ask(`nobody${n}@acme.example`);
  const replies = [];
  for (const { email } of users) replies.push(await ask(email));
  assert.deepEqual(
    replies.map(({ status, text }) => `${status} ${text}`),
    Array(3).fill(`202 ${replies[0]?.text}`),
  );
  const sentTo = async () => (await waitingMails(api)).map(({ to }) => to);
  assert.deepEqual(await sentTo(), ["a@acme.example", "b@acme.example"]);
  await ask(acme.email, own.via);
  assert.deepEqual((await sentTo()).at(-1), acme.email);
});

Deno.test("mail: an alert goes to its user ten times an hour, and what is withheld stands in the log", async () => {
  await using api = await testApi({ inProcess });
  const acme = await adminOf(api, "acme");
  let before = acme.password;
  for (let n = 0; n < alertsAnHour + 2; n++) {
    const after = `Quince-marmalade ${n} lanterns!`;
    const reply = await api.request(
      "/api/v1/auth/change-password",
      as(acme, {
        body: { current_password: before, new_password: after },
      }),
    );
    assert.equal(reply.status, 200, reply.text);
    before = after;
  }
  const mails = await waitingMails(api);
  assert.equal(
    mails.filter(({ template }) => template === "alert_password_changed").length,
    alertsAnHour,
  );
  const withheld = await api.db.owner`
    select target_id, details ->> 'template' as template from audit_log where action = 'mail.withhold'`;
  assert.deepEqual(
    withheld.map((row) => [row.target_id, row.template]),
    Array(2).fill([String(acme.userId), "alert_password_changed"]),
  );
  assert(api.log.some((line) => JSON.parse(line).message === "an alert was withheld"));
  // Of another kind: the next thing that happens is told.
  const patch = await api.request(
    `/api/v1/users/${acme.userId}`,
    as(acme, {
      method: "PUT",
      body: { email: "elsewhere@acme.example" },
    }),
  );
  assert.equal(patch.status, 200, patch.text);
  assert((await waitingMails(api)).some(({ template }) => template === "alert_email_changed"));
});
