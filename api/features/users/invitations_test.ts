import assert from "node:assert/strict";
import { invite } from "../../../tests/support/invitations.ts";
import { adminOf, as, type Persona, testApi, userOf } from "../../../tests/support/api.ts";
import { until } from "../../../tests/support/until.ts";

const base = "/api/v1/users/invitations";

Deno.test("invitations: one an address, to a role that is there and one's own to give, withdrawn with its peer", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  const ask = (who: Persona, body: Record<string, unknown>) =>
    api.request(base, { ...as(who), body: { enrolment: false, ...body } });
  const code = async (who: Persona, body: Record<string, unknown>) =>
    (await ask(who, body)).body.code;
  assert.equal(await code(acme, { email: acme.email }), "email_taken");
  assert.equal(await code(acme, { email: "x@acme.example", role: "nobody" }), "invalid_input");
  assert.equal(await code(acme, { email: "x@acme.example", role: "superadmin" }), "invalid_input");
  assert.equal(
    await code(manager, { email: "x@acme.example", role: "admin" }),
    "grant_exceeds_own",
  );
  const made = await invite(api, acme, { email: "x@acme.example", role: "admin", enrolment: true });
  assert.equal(await code(acme, { email: "X@acme.example" }), "already_invited");
  const remove = (who: Persona) =>
    api.request(`${base}/${made.invitation.id}`, as(who, { method: "DELETE" }));
  assert.equal((await remove(manager)).body.code, "grant_exceeds_own");
  // Nor in the place of the invitation.
  const instead = await api.request("/api/v1/users", {
    ...as(manager),
    body: { email: "x@acme.example" },
  });
  assert.equal(instead.body.code, "grant_exceeds_own");
  // Of several who withdraw it at once one did, and the others are told nothing that is not so.
  let asked: ReturnType<typeof remove>[] = [];
  await api.db.owner.begin(async (sql) => {
    await sql`select from invitations where id = ${made.invitation.id} for update`;
    asked = [remove(acme), remove(acme), remove(acme)];
    await until("all three have found it", async () => {
      const [row] = await api.db.superuser<[{ n: number }]>`
        select count(*)::integer as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return row.n === 3;
    });
  });
  const [removed, ...late] = (await Promise.all(asked)).toSorted((a, b) => a.status - b.status);
  assert.deepEqual([removed?.status, removed?.body.status], [202, "revoking"]);
  assert.deepEqual([...new Set(late.map((reply) => reply.status))], [404]);
  const entries = await api.db.owner`
    select outcome from audit_log where action = 'user.withdraw_invitation'`;
  assert.equal(entries.length, 1);
  const [peer] = await api.db.owner`
    select deleted_at from wg_peers where id = ${made.enrolment.peer.id}`;
  assert(peer?.deleted_at);
  assert.equal((await remove(acme)).status, 404);
  // An expired one is in nobody's way.
  await invite(api, acme, { email: "late@acme.example" });
  await api.db.owner`
    update invitations set created_at = now() - interval '2 days', expires_at = now() - interval '1 day'`;
  await invite(api, acme, { email: "late@acme.example" });
});

Deno.test("invitations: a withdrawn one's mail is withdrawn, and the fourth of a minute to an address is refused", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const email = "x@acme.example";
  const ask = (who: Persona, delivery = "mail") =>
    api.request(base, { ...as(who), body: { email, enrolment: false, delivery } });
  const kept = async () =>
    (await api.db.owner`
      select state || case when sealed_letter is null then ' forgotten' else '' end as state
      from mails where template = 'invitation' order by id`).map((row) => row.state);
  const withdraw = async (id: string) => {
    const reply = await api.request(`${base}/${id}`, as(acme, { method: "DELETE" }));
    assert.equal(reply.status, 200, reply.text);
  };
  for (let n = 0; n < 3; n++) {
    const { status, body, text } = await ask(acme);
    assert.equal(status, 201, text);
    if (n < 2) await withdraw(body.invitation.id);
    else {
      // A user who is made in its place takes it out as well.
      const made = await api.request("/api/v1/users", { ...as(acme), body: { email } });
      assert.equal(made.status, 201, made.text);
      await api.db.owner`delete from users where email = ${email}`;
    }
  }
  assert.deepEqual(await kept(), Array(3).fill("withdrawn forgotten"));
  assert.deepEqual(await api.deps.postman.backlog(), { queued: 0, dead: 0, oldest: null });
  const fourth = await ask(acme);
  assert.deepEqual([fourth.status, fourth.body.code], [429, "rate_limited"]);
  assert.ok(Number(fourth.headers.get("retry-after")) > 0);
  assert.equal((await api.db.owner`select from invitations`).length, 0);
  assert.equal((await kept()).length, 3);
  assert.equal((await ask(acme, "inline")).status, 201, "which mails nothing");
  assert.equal((await ask(other)).status, 201, "another tenant's are its own");
});
