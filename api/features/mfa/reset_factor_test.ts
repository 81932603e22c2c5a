import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  type Persona,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import { post } from "../../../tests/support/mfa_calls.ts";
import { equip, logInWithMfa } from "../../../tests/support/totp.ts";

Deno.test("reset: an admin takes the factor away with a reason, which is recorded and told; sessions and locks end", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
  const trusting = await logInWithMfa(api, bob, { body: { trust_device: true } });
  await api.db
    .owner`update mfa_attempts set failures = 10, locked_until = now() + interval '1 day'`;
  const path = (id: number) => `/users/${id}/mfa/reset`;
  const body = { reason: "Phone lost; called back" };
  const admin = await logIn(api, acme);
  const before = await databaseDigest(api.db, { except: ["sessions"] });
  const refused: [string, Persona, number, unknown, string][] = [
    ["another tenant's", await logIn(api, other), bob.userId, body, "not_found"],
    ["unknown", admin, 4711, body, "not_found"],
    ["one's own", admin, acme.userId, body, "forbidden"],
    ["without a permission", trusting, acme.userId, body, "forbidden"],
    ["without a reason", admin, bob.userId, {}, "invalid_input"],
    ["a reason that is none", admin, bob.userId, { reason: "a\nb" }, "invalid_input"],
  ];
  const baseline = await databaseDigest(api.db, { except: ["sessions"] });
  for (const [name, who, id, sent, code] of refused) {
    const reply = await post(api, who, path(id), sent);
    assert.equal(reply.body.code, code, `${name}: ${reply.text}`);
  }
  assert.deepEqual(await databaseDigest(api.db, { except: ["sessions"] }), baseline);
  assert.notDeepEqual(baseline, before, "the digest sees log-ins");
  const done = await post(api, admin, path(bob.userId), body);
  assert.equal(done.status, 200, done.text);
  assert.ok(done.body.sessions_ended >= 1);
  assert.equal((await api.request("/api/v1/auth/me", { token: trusting.token })).status, 401);
  const [left] = await api.db.owner`
    select (select count(*)::integer from mfa_factors) as factors,
      (select count(*)::integer from mfa_recovery_codes) as codes,
      (select count(*)::integer from mfa_trusted_devices) as devices,
      (select count(*)::integer from mfa_attempts where locked_until is not null) as locks`;
  assert.deepEqual({ ...left }, { factors: 0, codes: 0, devices: 0, locks: 0 });
  const [entry] = await api.db.owner`select details from audit_log where action = 'mfa.reset'`;
  assert.equal(entry?.details.reason, body.reason);
  const [mail] = await api.db.owner`
    select id, sealed_letter from mails where template = 'alert_mfa_reset'`;
  const letter = new TextDecoder().decode(
    await api.deps.letters.open(mail?.sealed_letter, `mails/${acme.tenantId}/${mail?.id}`),
  );
  assert.ok(letter.includes(body.reason) && letter.includes(acme.email), letter);
  await logIn(api, bob);
  assert.equal((await post(api, admin, path(bob.userId), body)).body.code, "mfa_not_enabled");
});

Deno.test("reset: who may do more is not decided over, nor let off a demand", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await equip(api, acme);
  const helper = await userOf(api, acme, { email: "help@acme.example" });
  await api.db.owner`
    with made as (insert into roles (tenant_id, name) values (${acme.tenantId}, 'helpdesk') returning id),
      may as (insert into role_permissions (tenant_id, role_id, permission)
        select ${acme.tenantId}, id, 'users.security' from made)
    insert into user_roles (tenant_id, user_id, role_id) select ${acme.tenantId}, ${helper.userId}, id from made`;
  const now = await logIn(api, helper);
  const reset = await post(api, now, `/users/${ada.userId}/mfa/reset`, { reason: "because" });
  assert.deepEqual([reset.status, reset.body.code], [403, "grant_exceeds_own"], reset.text);
  const let_off = await api.request(`/api/v1/users/${ada.userId}/mfa`, {
    method: "PUT",
    via: loopback,
    token: now.token,
    body: { required: false },
  });
  assert.equal(let_off.body.code, "grant_exceeds_own");
  const oneself = await api.request(`/api/v1/users/${helper.userId}/mfa`, {
    method: "PUT",
    via: loopback,
    token: now.token,
    body: { required: false },
  });
  assert.deepEqual([oneself.status, oneself.body.code], [403, "forbidden"]);
  const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
  const late = { ...now };
  api.clock.advance(5 * 60_000 + 1);
  const stale = await post(api, late, `/users/${bob.userId}/mfa/reset`, { reason: "because" });
  assert.equal(stale.body.code, "step_up_required");
  const fresh = await logIn(api, helper);
  const allowed = await post(api, fresh, `/users/${bob.userId}/mfa/reset`, { reason: "because" });
  assert.equal(allowed.status, 200, allowed.text);
});
