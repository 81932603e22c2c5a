import assert from "node:assert/strict";
import {
  adminOf,
  as,
  loopback,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { waitingMails } from "../../../tests/support/mails.ts";
import { assertInContract } from "../../../tests/support/refusals.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const base = "/api/v1/users";

async function roleId(api: TestApi, who: Persona, name: string): Promise<number> {
  const { body } = await api.request("/api/v1/roles", as(who));
  return body.items.find((role: { name: string }) => role.name === name).id;
}

Deno.test("users: nobody decides over somebody who may do more than he, by whatever operation", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await userOf(api, acme, { email: "other@acme.example", role: "admin" });
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  await api.request("/api/v1/roles", {
    ...as(acme, { body: { name: "guard", permissions: ["users.security"] } }),
  });
  const guard = await userOf(api, acme, { email: "g@acme.example", role: "guard" });
  // Whom no role lets in any more is still an admin.
  await api.db.owner`update users set status = 'inactive' where id = ${other.userId}`;
  const except = ["audit_log"];
  const before = await databaseDigest(api.db, { except });
  const attempts: [Persona, string, string, unknown?][] = [
    [manager, "PUT", "", { name: "mine now" }],
    [manager, "PUT", "", { email: "mine@acme.example" }],
    [manager, "DELETE", ""],
    [manager, "POST", "/verify"],
    [manager, "POST", "/activate"],
    [manager, "POST", "/deactivate"],
    [guard, "POST", "/unlock"],
    [guard, "DELETE", "/sessions"],
    [guard, "POST", "/mfa/reset", { reason: "lost" }],
    [guard, "PUT", "/mfa", { required: true }],
  ];
  for (const target of [acme.userId, other.userId]) {
    for (const [who, method, path, body] of attempts) {
      const reply = await api.request(`${base}/${target}${path}`, {
        ...as(who, { method }),
        ...(body === undefined ? {} : { body }),
      });
      assert.deepEqual([reply.status, reply.body.code], [403, "grant_exceeds_own"], reply.text);
      await assertInContract(method, `${base}/${target}${path}`, reply);
    }
  }
  assert.deepEqual(await databaseDigest(api.db, { except }), before);
  const entries = await api.db.owner`
    select actor_user_id, details->>'operation' as operation from audit_log
    where action = 'access.refuse' and outcome = 'refused' order by id`;
  assert.deepEqual(
    [...entries],
    [acme.userId, other.userId].flatMap((target) =>
      attempts.map(([who, method, path]) => ({
        actor_user_id: who.userId,
        operation: `${method} ${base}/${target}${path}`,
      }))
    ),
  );
  // Of an equal he may.
  const equal = await userOf(api, acme, { email: "m2@acme.example", role: "manager" });
  const reply = await api.request(`${base}/${equal.userId}/deactivate`, {
    ...as(manager, { method: "POST" }),
  });
  assert.equal(reply.status, 200, reply.text);
  const lesser = await userOf(api, acme, { email: "bob@acme.example", role: "guard" });
  const unlocked = await api.request(`${base}/${lesser.userId}/unlock`, {
    ...as(guard, { method: "POST" }),
  });
  assert.deepEqual(unlocked.body, { id: lesser.userId, unlocked: true });
});

Deno.test("users: another address takes a step-up, and over an equal the permission to look after security", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const [manager, equal, lesser] = [
    await userOf(api, acme, { email: "m@acme.example", role: "manager" }),
    await userOf(api, acme, { email: "m2@acme.example", role: "manager" }),
    await userOf(api, acme, { email: "bob@acme.example" }),
  ];
  const move = (who: Persona, whom: Persona, email: string) =>
    api.request(`${base}/${whom.userId}`, as(who, { method: "PUT", body: { email } }));
  const except = ["audit_log"];
  const before = await databaseDigest(api.db, { except });
  for (const whom of [equal, manager, acme]) {
    const reply = await move(manager, whom, "mine@acme.example");
    assert.deepEqual([reply.status, reply.body.code], [403, "grant_exceeds_own"], whom.email);
  }
  const at = new Date(api.clock.now());
  await api.db.owner`update sessions set stepped_up_at = null`;
  for (const [who, whom] of [[manager, lesser], [acme, equal]] as const) {
    const reply = await move(who, whom, "new@acme.example");
    assert.deepEqual([reply.status, reply.body.code], [403, "step_up_required"], whom.email);
  }
  await api.db.owner`update sessions set stepped_up_at = ${at}`;
  assert.deepEqual(await databaseDigest(api.db, { except }), before);
  // The same address is no other one, and everything else of an equal stays his to change.
  const same = await api.request(`${base}/${equal.userId}`, {
    ...as(manager, { method: "PUT", body: { email: equal.email, name: "Equal" } }),
  });
  assert.equal(same.body.name, "Equal", same.text);
  assert.equal((await move(manager, lesser, "b2@acme.example")).status, 200);
  assert.equal((await move(acme, equal, "m3@acme.example")).status, 200);
  const { key } = (await api.request("/api/v1/api-keys", {
    ...as(acme, { body: { name: "sync", scopes: ["users.read", "users.write"] } }),
  })).body;
  const byKey = await api.request(`${base}/${lesser.userId}`, {
    via: loopback,
    headers: { "X-API-Key": key },
    method: "PUT",
    body: { email: "b3@acme.example" },
  });
  assert.equal(byKey.body.code, "step_up_required");
  // Back and forth mails an address no more than three times a minute.
  const moves: number[] = [];
  for (let n = 0; n < 4; n++) {
    moves.push((await move(acme, lesser, "victim@elsewhere.example")).status);
    await api.db.owner`update users set email = 'b2@acme.example' where id = ${lesser.userId}`;
  }
  assert.deepEqual(moves, [200, 200, 200, 429]);
  const told = (await waitingMails(api)).filter((mail) => mail.to === "victim@elsewhere.example");
  assert.equal(told.length, 3);
});

Deno.test("users: many ways out of being an admin at once leave one", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const admin = await roleId(api, acme, "admin");
  await api.db.owner`
    insert into users (tenant_id, email, password_hash)
      select ${acme.tenantId}, 'a' || n || '@acme.example', '$argon2id$x' from generate_series(1, 49) n`;
  await api.db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
      select tenant_id, id, ${admin} from users where email <> ${acme.email}`;
  const all = await api.db.owner<{ id: number }[]>`select id from users order by id`;
  const tenant = acme.tenantId;
  const ways = [
    (id: number) => api.request(`${base}/${id}`, { tenant, method: "DELETE" }),
    (id: number) => api.request(`${base}/${id}/deactivate`, { tenant, method: "POST" }),
    (id: number) => api.request(`${base}/${id}/roles/${admin}`, { tenant, method: "DELETE" }),
    (id: number) =>
      api.request(`${base}/${id}/roles`, {
        tenant,
        body: { role_id: admin, expires_at: new Date(api.clock.now() + 60_000).toISOString() },
      }),
  ];
  const replies = await Promise.all(all.map(({ id }, n) => ways[n % 4]?.(id)));
  const refused = replies.filter((reply) => reply && reply.status >= 300);
  // Who waited too long for his turn is told to come again, and was not served either.
  const [left] = await api.db.owner`
    select count(*)::integer as n from user_roles h join users u on u.id = h.user_id and u.status = 'active'
    where h.role_id = ${admin} and h.expires_at is null`;
  assert(refused.every((reply) => ["last_admin", "overloaded"].includes(reply?.body.code)));
  assert.equal(left?.n, refused.length);
  assert(refused.length >= 1);
});
