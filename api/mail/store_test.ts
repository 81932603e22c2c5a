import assert from "node:assert/strict";
import { adminOf, testApi } from "../../tests/support/api.ts";
import { queueFor } from "../../tests/support/mails.ts";
import { asTenantId } from "../database/tenancy.ts";
import { finishMail, forgetMails, postponeMail, takeMail } from "./store.ts";

Deno.test("mails: whoever's lease has passed on changes nothing, what ended stays so, and only what ended before is forgotten", async () => {
  await using api = await testApi();
  const tenantId = asTenantId((await adminOf(api, "acme")).tenantId);
  const inside = api.deps.tenancy;
  await api.db.owner`delete from mails`;
  for (const to of ["one@acme.example", "two@acme.example", "three@acme.example"]) {
    await queueFor(api, tenantId, {
      to,
      locale: "en",
      template: "password_reset",
      data: { link: "http://10.10.0.1:8000/reset#tenant=1&token=x" },
    });
  }
  const mails = await api.db.owner<{ id: string }[]>`select id from mails order by id`;
  const [one = "", two = "", three = ""] = mails.map(({ id }) => id);
  const now = api.clock.now();
  const at = (ms: number) => new Date(now + ms);
  const take = (id: string, ms: number) =>
    inside.transaction(
      tenantId,
      (sql) => takeMail(sql, { id, now: at(ms), leaseUntil: at(ms + 1_000) }),
    );
  const postpone = (attempts: number) =>
    inside.transaction(
      tenantId,
      (sql) => postponeMail(sql, { id: one, attempts, failure: "away", dueAt: at(9_000) }),
    );
  assert.equal((await take(one, 0)).length, 1);
  assert.equal((await take(one, 999)).length, 0, "somebody has it");
  assert.equal((await take(one, 1_000)).length, 1, "he died");
  assert.equal((await postpone(1)).count, 0, "and comes back too late");
  assert.equal((await postpone(2)).count, 1);

  const finish = (id: string, ms: number) =>
    inside.transaction(
      tenantId,
      (sql) => finishMail(sql, { id, state: "sent", failure: null, at: at(ms) }),
    );
  // Row-level security keeps what ended within a day, by the database's own clock.
  const past = Date.now() - now - 2 * 86_400_000;
  assert.equal((await finish(two, past)).count, 1);
  assert.equal((await finish(two, past + 5)).count, 0, "it ended once");
  assert.equal((await finish(three, past + 10)).count, 1);
  const forget = (ms: number) => inside.transaction(tenantId, (sql) => forgetMails(sql, at(ms)));
  assert.equal((await forget(past)).count, 0);
  assert.equal((await forget(past + 10)).count, 1);
  const left = await api.db.owner<{ id: string }[]>`select id from mails order by id`;
  assert.deepEqual(left.map(({ id }) => id), [one, three]);
});
