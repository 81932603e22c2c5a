import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  peerOf,
  type RequestOptions,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { testDatabase } from "../../../tests/support/database.ts";
import { tokenIn, waitingMails } from "../../../tests/support/mails.ts";
import { statementCounter } from "../../../tests/support/statement_counter.ts";
import { until } from "../../../tests/support/until.ts";
import { confirm, post, resetToken, strong, validate } from "../../../tests/support/reset_calls.ts";

Deno.test("password reset, verify-email/resend: A4: whoever is asked for, there is one answer, one number of statements, one floor", async (t) => {
  await using db = await testDatabase();
  await using counter = await statementCounter(db.url("massacorp_api"));
  await using api = await testApi({
    db,
    env: { DATABASE_URL: counter.url.reveal(), DATABASE_POOL_SIZE: "1" },
    inProcess: "counts what one process did",
  });
  // That is a statement as well, and comes when it comes.
  await until(
    "the API listens",
    () => api.log.some((line) => line.includes("listening for changes")),
  );
  const acme = await adminOf(api, "acme");
  const inactive = await userOf(api, acme, { email: "inactive@acme.example" });
  const closed = await adminOf(api, "closed");
  await db.owner`update users set status = 'inactive' where id = ${inactive.userId}`;
  await db.owner`update tenants set status = 'suspended' where slug = 'closed'`;
  const observe = async (path: string, who: { tenant: string; email: string }) => {
    const before = counter.statements;
    api.pauses.length = 0;
    const reply = await post(api, path, { email: who.email }, { tenant: who.tenant });
    assert.equal(api.pauses.length, 1);
    return {
      status: reply.status,
      body: reply.body,
      headers: [...reply.headers.keys()],
      statements: counter.statements - before,
    };
  };
  for (const path of ["/password-reset/request", "/auth/verify-email/resend"]) {
    const known = await observe(path, { tenant: "acme", email: acme.email });
    assert.deepEqual([known.status, known.body], [202, { accepted: true }]);
    const others = {
      "unknown user": { tenant: "acme", email: "nobody@acme.example" },
      "inactive user": { tenant: "acme", email: inactive.email },
      "suspended tenant": { tenant: "closed", email: closed.email },
      "unknown tenant": { tenant: "nowhere", email: acme.email },
    };
    for (const [name, who] of Object.entries(others)) {
      await t.step(
        `${path}: ${name}`,
        async () => assert.deepEqual(await observe(path, who), known),
      );
    }
    for (let n = 0; n < 3; n++) await observe(path, { tenant: "acme", email: acme.email });
    assert.deepEqual(await observe(path, { tenant: "acme", email: acme.email }), known, "too many");
  }
  const mails = (await waitingMails(api)).map((mail) => `${mail.template} ${mail.to}`);
  assert.deepEqual(mails.toSorted(), [
    ...Array(3).fill(`password_reset ${acme.email}`),
    ...Array(3).fill(`verify_email ${acme.email}`),
  ]);
});

Deno.test("password reset: A5: by whatever way others ask, the owner's link of his own peer stays good, and his next request is mailed", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const eve = await userOf(api, acme, { email: "eve@acme.example" });
  const { via: own } = await peerOf(api, acme, { user_id: bob.userId });
  const { via: eves } = await peerOf(api, acme, { user_id: eve.userId });
  const { via: machine } = await peerOf(api, acme);
  const { via: enrolment } = await peerOf(api, acme, {
    kind: "enrolment",
    expires_at: new Date(api.clock.now() + 3_600_000).toISOString(),
  });
  for (
    const [ask, template] of [
      ["/password-reset/request", "password_reset"],
      ["/auth/verify-email/resend", "verify_email"],
    ] as const
  ) {
    const request = (via: RequestOptions["via"]) => post(api, ask, { email: bob.email }, { via });
    const mailed = async () =>
      (await waitingMails(api)).filter((mail) => mail.template === template).map(tokenIn);
    const status = async (token = "") =>
      template === "password_reset"
        ? (await validate(api, token)).status
        : (await post(api, "/auth/verify-email", { token })).status;
    assert.equal((await request(own)).status, 202);
    const [owners] = await mailed();
    const accepted = await request(machine);
    const second = template === "password_reset" ? enrolment : machine;
    for (const via of [second, machine, loopback, machine]) {
      const { status, body } = await request(via);
      assert.deepEqual([status, body], [202, accepted.body]);
    }
    for (let n = 0; n < 4; n++) assert.equal((await request(eves)).body.code, "wrong_tunnel");
    const before = await mailed();
    assert.equal(before.length, 4, "his and three of the others'");
    assert.deepEqual([await status(before[1]), await status(before[2])], [404, 404]);
    if (template === "password_reset") assert.equal(await status(owners), 200);
    assert.equal((await request(own)).status, 202);
    const after = await mailed();
    assert.equal(after.length, 5);
    assert.equal(await status(owners), 404, "one way voids its own");
    assert.equal(await status(after[4]), 200);
    assert.equal(await status(after[3]), 200, "and no other's");
  }
  // A1: and with what he was known by, both ways' end.
  const links = (await waitingMails(api)).filter((mail) => mail.template === "password_reset")
    .map(tokenIn);
  assert.equal((await confirm(api, links[3] ?? "")).status, 200);
  assert.equal((await validate(api, links[4] ?? "")).status, 404);
});

Deno.test("password reset: T10: a user's peer carries his reset and nobody else's, an enrolment peer its tenant's", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { via: bobs } = await peerOf(api, acme, { user_id: bob.userId });
  const { via: enrolment } = await peerOf(api, acme, {
    kind: "enrolment",
    expires_at: new Date(api.clock.now() + 3_600_000).toISOString(),
  });
  const { via: theirs } = await peerOf(api, other);
  const request = (email: string, via: RequestOptions["via"]) =>
    post(api, "/password-reset/request", { email }, { via });
  for (const email of [acme.email, "nobody@acme.example"]) {
    const reply = await request(email, bobs);
    assert.deepEqual([reply.status, reply.body.code], [403, "wrong_tunnel"]);
  }
  assert.equal((await request(acme.email, theirs)).body.code, "wrong_tunnel");
  assert.deepEqual(await waitingMails(api), []);
  const token = await resetToken(api, acme.email);
  const refused = await post(
    api,
    "/password-reset/confirm",
    { token, new_password: strong },
    { via: bobs },
  );
  assert.equal(refused.body.code, "wrong_tunnel");
  assert.equal((await validate(api, token)).status, 200, "and the token is not used up");
  assert.equal((await request(bob.email, bobs)).status, 202);
  assert.equal((await request(acme.email, enrolment)).status, 202);
  const [, , newest] = await waitingMails(api);
  const done = await post(
    api,
    "/password-reset/confirm",
    { token: tokenIn(newest), new_password: strong },
    { via: enrolment },
  );
  assert.equal(done.status, 200, done.text);
});
