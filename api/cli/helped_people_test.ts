import assert from "node:assert/strict";
import { adminOf, logIn, testApi, userOf } from "../../tests/support/api.ts";
import { clientOf } from "../../tests/support/client.ts";
import { failLogIns, login } from "../../tests/support/log_ins.ts";
import { waitingMails } from "../../tests/support/mails.ts";
import { equip, logInWithMfa } from "../../tests/support/totp.ts";
import { failuresUntilLock } from "../auth/throttle.ts";
import type { Command } from "./command.ts";
import { CliError } from "./error.ts";
import { invitationList, invitationWithdraw } from "./invitation.ts";
import { mfaReset } from "./mfa.ts";
import { userInvite, userUnlock } from "./user.ts";

/** Two tenants, and commands about the first where nothing else is said. */
async function commandsOf(api: Parameters<typeof clientOf>[0]) {
  await adminOf(api, "globex");
  const acme = await adminOf(api, "acme");
  const operator = clientOf(api);
  return {
    acme,
    run: (command: Command, values: Record<string, string | boolean>, ...positionals: string[]) =>
      command.run({ api: operator, values: { tenant: "acme", ...values }, positionals }),
  };
}

Deno.test("invitation:list, invitation:withdraw: who has not come yet is seen, and comes no more", async () => {
  await using api = await testApi();
  const { acme, run } = await commandsOf(api);
  assert.equal((await run(invitationList, {})).text, "no invitation");
  await run(userInvite, { email: "eve@acme.example", role: "manager", mail: true });
  api.clock.advance(1);
  const light = await api.request("/api/v1/users/invitations", {
    token: acme.token,
    body: { email: "fay@acme.example", enrolment: false, delivery: "inline" },
  });
  const listed = await run(invitationList, {});
  const [, fay = "", eve = ""] =
    /^ID .*\n(\S+) +fay@\S+ +user +\d+ +pending +\S+Z\n(\S+) +eve@\S+ +manager +the operator +pending +\S+Z$/
      .exec(listed.text) ?? assert.fail(listed.text);
  assert.equal(fay, light.body.invitation.id);
  assert.equal((await run(invitationList, { tenant: "globex" })).text, "no invitation");
  for (
    const [values, id] of [[{ tenant: "globex" }, eve], [{}, crypto.randomUUID()], [{}, "eve"]]
  ) {
    await assert.rejects(run(invitationWithdraw, Object(values), String(id)), CliError);
  }
  assert.equal((await run(invitationList, {})).text, listed.text);
  // Nobody says here that its enrolment peer is off.
  const gone = await run(invitationWithdraw, {}, eve);
  assert.deepEqual([gone.failed, /has not confirmed/.test(gone.text)], [true, true]);
  const done = await run(invitationWithdraw, {}, fay);
  assert.deepEqual([done.failed, /no peer of it is on/.test(done.text)], [false, true]);
  assert.equal((await run(invitationList, {})).text, "no invitation");
  const accepted = await api.request("/api/v1/users/invitations/accept", {
    tenant: "acme",
    body: { token: light.body.token, password: "Quince-marmalade 41 lanterns!" },
  });
  assert.equal(accepted.status, 404, accepted.text);
});

Deno.test("user:unlock, mfa:reset: whoever is locked out by failures, or by a lost phone, is let in again, and the operator is named", async () => {
  await using api = await testApi();
  const { acme, run } = await commandsOf(api);
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  await failLogIns(api, bob.email, failuresUntilLock);
  assert.equal((await login(api, bob)).status, 401);
  await assert.rejects(run(userUnlock, { tenant: "globex", user: bob.email }), CliError);
  assert.equal((await login(api, bob)).status, 401);
  const unlocked = await run(userUnlock, { user: bob.email });
  assert.equal(unlocked.text, "the locks of user bob@acme.example are lifted");
  const equipped = await logInWithMfa(api, await equip(api, await logIn(api, bob)));

  const user = String(bob.userId);
  await assert.rejects(run(mfaReset, { user }), /--reason is missing/);
  await assert.rejects(run(mfaReset, { user, reason: "two\nlines" }), /invalid_input/);
  await assert.rejects(run(mfaReset, { tenant: "globex", user, reason: "x" }), /not_found/);
  assert.equal((await api.request("/api/v1/auth/me", { token: equipped.token })).status, 200);
  const reset = await run(mfaReset, { user, reason: "Phone lost, called back" });
  assert.match(reset.text, /^user \d+ has no second factor; [1-9]\d* session\(s\) ended$/);
  assert.equal((await api.request("/api/v1/auth/me", { token: equipped.token })).status, 401);
  await logIn(api, bob);
  await assert.rejects(run(mfaReset, { user, reason: "again" }), /mfa_not_enabled/);
  const told = (await waitingMails(api)).find(({ template }) => template === "alert_mfa_reset");
  assert.partialDeepStrictEqual(told, {
    to: bob.email,
    data: { by: null, reason: "Phone lost, called back" },
  });
  const entries = await api.db.owner<{ action: string; actor: string; target_id: string }[]>`
    select action, actor, target_id from audit_log
    where action in ('user.unlock', 'mfa.reset') order by id`;
  assert.deepEqual(entries.map((row) => ({ ...row })), [
    { action: "user.unlock", actor: "operator", target_id: user },
    { action: "mfa.reset", actor: "operator", target_id: user },
  ]);
});
