import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  peerOf,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";
import { tokenIn, waitingMails } from "../../../tests/support/mails.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";

const password = "Quince-marmalade 41 lanterns!";

function post(api: TestApi, path: string, body: unknown, via: RequestOptions["via"] = loopback) {
  return api.request(`/api/v1/auth${path}`, { tenant: "acme", body, ...(via ? { via } : {}) });
}

const register = (api: TestApi, email: string, more: Record<string, unknown> = {}) =>
  post(api, "/register", { email, password, ...more });
const verify = (api: TestApi, token: string) => post(api, "/verify-email", { token });

async function open(
  api: TestApi,
  registration: "off" | "invite" | "open",
): Promise<Persona> {
  const acme = await adminOf(api, "acme");
  const reply = await api.request("/api/v1/tenants/current", {
    method: "PATCH",
    token: acme.token,
    body: { registration },
  });
  assert.equal(reply.body?.registration, registration, reply.text);
  return acme;
}

Deno.test("register: nobody where the tenant did not say so, and an unknown tenant is one of those", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  await adminOf(api, "acme");
  const off = await register(api, "new@acme.example");
  assert.deepEqual([off.status, off.body.code], [403, "registration_closed"]);
  const nowhere = await api.request("/api/v1/auth/register", {
    via: loopback,
    tenant: "nowhere",
    body: { email: "new@acme.example", password },
  });
  assert.deepEqual({ ...nowhere.body, request_id: "" }, { ...off.body, request_id: "" });
  assert.deepEqual(await waitingMails(api), []);
});

Deno.test("register: A4: a free address, a taken one and too many asks are answered alike; mail tells the owner alone", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  const acme = await open(api, "open");
  const replies = [await register(api, "new@acme.example"), await register(api, acme.email)];
  for (let n = 0; n < 3; n++) replies.push(await register(api, "new@acme.example"));
  for (const reply of replies) {
    assert.deepEqual([reply.status, reply.body], [202, { accepted: true }]);
    assert.deepEqual([...reply.headers.keys()], [...replies[0]?.headers.keys() ?? []]);
  }
  assert.equal(api.pauses.length, 5, "at one time");
  const mails = (await waitingMails(api)).map((mail) => `${mail.template} ${mail.to}`);
  assert.deepEqual(mails, [
    "registration new@acme.example",
    `already_registered ${acme.email}`,
    "registration new@acme.example",
    "registration new@acme.example",
  ]);
  const [counts] = await api.db.owner`select count(*)::integer as n from users`;
  assert.equal(counts?.n, 1, "and there is no user before the address was proven");
  const weak = await register(api, "weak@acme.example", { password: "password" });
  assert.equal(weak.body.errors[0].path, "password");
  const own = await register(api, "weak@acme.example", { password: "Weak@Example1!" });
  assert.equal(own.body.errors[0].code, "personal");
});

Deno.test("verify-email: makes the user of a registration once, as user, with the password that came with that very link", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  await open(api, "open");
  // Somebody else asks for the address of a victim, with a password of his own, before and after him.
  await register(api, "ada@acme.example", { password: `${password} attacker` });
  await register(api, "ada@acme.example", { name: "Ada", locale: "fr" });
  await register(api, "ada@acme.example", { password: `${password} attacker` });
  const [, own, theirs] = await waitingMails(api);
  assert.equal(own?.locale, "fr");
  const token = tokenIn(own);
  const replies = await Promise.all(Array.from({ length: 50 }, () => verify(api, token)));
  const won = replies.filter((reply) => reply.status === 200);
  assert.deepEqual(won.map((reply) => reply.body), [{
    email: "ada@acme.example",
    registered: true,
  }]);
  assert.equal(replies.filter((reply) => ![200, 404, 503].includes(reply.status)).length, 0);
  assert.equal((await verify(api, tokenIn(theirs))).status, 404, "the others are void");
  const login = await post(api, "/login", { email: "ada@acme.example", password });
  assert.equal(login.status, 200, login.text);
  const [user] = await api.db.owner`
    select u.name, u.locale, u.email_verified_at is not null as verified, r.name as role
    from users u join user_roles h on h.user_id = u.id join roles r on r.id = h.role_id and r.tenant_id = u.tenant_id
    where u.email = 'ada@acme.example'`;
  assert.deepEqual({ ...user }, { name: "Ada", locale: "fr", verified: true, role: "user" });
  // It ends with its day, and with the tenant's leave.
  await register(api, "late@acme.example");
  const late = tokenIn((await waitingMails(api)).at(-1));
  await api.db.owner`update tenants set registration = 'off' where slug = 'acme'`;
  assert.equal((await verify(api, late)).status, 404);
  await api.db.owner`update tenants set registration = 'open' where slug = 'acme'`;
  api.clock.advance(24 * 3_600_000);
  assert.equal((await verify(api, late)).status, 404);
});

Deno.test("register: of one address five wait at most, the newest, and those of others stay", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  const acme = await open(api, "open");
  const now = new Date(api.clock.now());
  await api.db.owner`
    insert into registrations (tenant_id, token_digest, email, name, locale, password_hash, created_at,
        expires_at)
    select ${acme.tenantId}, sha256(('x' || n)::bytea), case when n = 0 then 'eve' else 'ada' end || '@acme.example',
      '', 'en', '$argon2id$x', ${now}::timestamptz - n * interval '1 minute', ${now}::timestamptz + interval '1 hour'
    from generate_series(0, 6) n`;
  assert.equal((await register(api, "ada@acme.example")).status, 202);
  const rows = await api.db.owner`
    select email, count(*)::integer as n, min(created_at) as oldest from registrations group by email order by email`;
  const minutes = (n: number) => new Date(now.getTime() - n * 60_000);
  assert.deepEqual(rows.map((row) => ({ ...row })), [
    { email: "ada@acme.example", n: 5, oldest: minutes(4) },
    { email: "eve@acme.example", n: 1, oldest: minutes(0) },
  ]);
});

Deno.test("register, verify-email: T10: a user's own peer registers nobody, and an unbound one does", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  const acme = await open(api, "open");
  const { via: own } = await peerOf(api, acme, { user_id: acme.userId });
  const { via: unbound } = await peerOf(api, acme);
  const ask = async (via: RequestOptions["via"]) =>
    (await post(api, "/register", { email: "ada@acme.example", password }, via)).status;
  assert.deepEqual([await ask(own), await ask(unbound)], [403, 202]);
  const mails = await waitingMails(api);
  assert.equal(mails.length, 1);
  const token = tokenIn(mails[0]);
  const through = await post(api, "/verify-email", { token }, own);
  assert.deepEqual([through.status, through.body.code], [403, "wrong_tunnel"]);
  assert.equal((await post(api, "/verify-email", { token }, unbound)).body.registered, true);
});

Deno.test("register: on invitation, who has an open one registers, and nobody else learns whether he would", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  const acme = await open(api, "invite");
  const invited = await api.request("/api/v1/users/invitations", {
    token: acme.token,
    body: { email: "ada@acme.example", enrolment: false },
  });
  assert.equal(invited.status, 201, invited.text);
  const replies = [
    await register(api, "ada@acme.example"),
    await register(api, "eve@acme.example"),
  ];
  assert.deepEqual(replies.map((reply) => reply.body), [{ accepted: true }, { accepted: true }]);
  const mails = (await waitingMails(api)).map((mail) => `${mail.template} ${mail.to}`);
  assert.deepEqual(mails, ["invitation ada@acme.example", "registration ada@acme.example"]);
});

Deno.test("verify-email: on invitation, a registration is as good as its invitation is by then, and spends it with its peer", async () => {
  await using api = await testApi({ env: { PASSWORD_CHECK_HIBP: "off" } });
  const acme = await open(api, "open");
  const invitations = "/api/v1/users/invitations";
  const invite = async (email: string, who = acme, enrolment = false) => {
    const reply = await api.request(invitations, {
      via: loopback,
      token: who.token,
      body: { email, enrolment },
    });
    assert.equal(reply.status, 201, reply.text);
    return reply.body.invitation;
  };
  const asked = async (email: string) => {
    assert.equal((await register(api, email)).status, 202);
    const last = (await waitingMails(api)).at(-1);
    assert.deepEqual([last?.template, last?.to], ["registration", email]);
    return tokenIn(last);
  };
  // What was open to everybody when they asked is on invitation by then.
  const stranger = await asked("eve@acme.example");
  const set = await api.request("/api/v1/tenants/current", {
    method: "PATCH",
    token: acme.token,
    body: { registration: "invite" },
  });
  assert.equal(set.body.registration, "invite");
  const { id } = await invite("ada@acme.example");
  const withdrawn = await asked("ada@acme.example");
  const gone = await api.request(`${invitations}/${id}`, { method: "DELETE", token: acme.token });
  assert.equal(gone.status, 200, gone.text);
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  await invite("joe@acme.example", manager);
  const orphaned = await asked("joe@acme.example");
  await api.db.owner`update users set status = 'inactive' where id = ${manager.userId}`;
  for (const token of [stranger, withdrawn, orphaned]) {
    const reply = await verify(api, token);
    assert.deepEqual([reply.status, reply.body.code], [404, "not_found"], reply.text);
  }
  const users = await api.db.owner`select email from users order by id`;
  assert.deepEqual(users.map((row) => row.email), [acme.email, manager.email]);

  const { id: spent, peer_id } = await invite("bob@acme.example", acme, true);
  const token = await asked("bob@acme.example");
  const done = await verify(api, token);
  assert.deepEqual([done.status, done.body], [200, {
    email: "bob@acme.example",
    registered: true,
  }]);
  const [left] = await api.db.owner`
    select (select count(*)::integer from invitations where id = ${spent}) as invitations,
      (select deleted_at is not null from wg_peers where id = ${peer_id}) as removed,
      (select details from audit_log where action = 'user.register') as details`;
  assert.deepEqual({ ...left }, {
    invitations: 0,
    removed: true,
    details: { email: "bob@acme.example", role: "user", invitation_id: spent },
  });
  // Through its own enrolment peer the answer still has to arrive.
  const { peer_id: own } = await invite("zoe@acme.example", acme, true);
  const [peer] = await api.db
    .owner`select host(address) as address from wg_peers where id = ${own}`;
  const through = await post(
    api,
    "/verify-email",
    { token: await asked("zoe@acme.example") },
    tunnelFrom(peer?.address),
  );
  assert.equal(through.body.registered, true, through.text);
  const [ends] = await api.db.owner`
    select deleted_at, extract(epoch from expires_at)::float * 1000 as at from wg_peers where id = ${own}`;
  assert.deepEqual({ ...ends }, { deleted_at: null, at: api.clock.now() + 30_000 });
});

Deno.test("verify-email: proves the address of a user, once, for his own peer or an unbound one", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { publicKey } = await generateKeyPair();
  const peer = await api.request("/api/v1/wireguard/peers", {
    token: acme.token,
    body: { name: "bob's", public_key: publicKey, user_id: bob.userId },
  });
  const bobs = tunnelFrom(peer.body.peer.address);
  assert.equal((await post(api, "/verify-email/resend", { email: acme.email })).status, 202);
  const token = tokenIn((await waitingMails(api))[0]);
  assert.equal((await post(api, "/verify-email", { token }, bobs)).body.code, "wrong_tunnel");
  const done = await verify(api, token);
  assert.deepEqual([done.status, done.body], [200, { email: acme.email, registered: false }]);
  assert.equal((await verify(api, token)).status, 404);
  const verified = async () =>
    (await api.db.owner`select email_verified_at is not null as v from users order by id`)
      .map((row) => row.v);
  assert.deepEqual(await verified(), [true, false]);
  // Nothing is left to prove, and nobody is told.
  assert.equal((await post(api, "/verify-email/resend", { email: acme.email })).status, 202);
  assert.equal((await waitingMails(api)).length, 1);
  assert.equal((await post(api, "/verify-email/resend", { email: bob.email }, bobs)).status, 202);
  const his = tokenIn((await waitingMails(api))[1]);
  await api.db.owner`update users set email = 'rob@acme.example' where id = ${bob.userId}`;
  assert.equal((await verify(api, his)).status, 404, "another address since");
  assert.deepEqual(await verified(), [true, false]);
});

Deno.test("verify-email: another address of a user is asked for its proof, and the old one is told", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const changed = await api.request(`/api/v1/users/${bob.userId}`, {
    method: "PUT",
    token: acme.token,
    body: { email: "rob@acme.example", locale: "fr" },
  });
  assert.equal(changed.status, 200, changed.text);
  const mails = await waitingMails(api);
  assert.deepEqual(mails.map((mail) => `${mail.template} ${mail.to} ${mail.locale}`), [
    "verify_email rob@acme.example fr",
    "alert_email_changed bob@acme.example fr",
  ]);
  assert.deepEqual((await verify(api, tokenIn(mails[0]))).body, {
    email: "rob@acme.example",
    registered: false,
  });
});
