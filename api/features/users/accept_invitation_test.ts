import assert from "node:assert/strict";
import { invite } from "../../../tests/support/invitations.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import {
  adminOf,
  as,
  loopback,
  type RequestOptions,
  type TestApi,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const base = "/api/v1/users/invitations";
const password = "Correct-Horse-7-Battery";

const accept = (api: TestApi, body: Record<string, unknown>, more: RequestOptions = {}) =>
  api.request(`${base}/accept`, {
    via: loopback,
    tenant: "acme",
    body: { password, ...body },
    ...more,
  });

Deno.test("invitations: through the enrolment peer, with one's own key, to a permanent peer and a log-in", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const made = await invite(api, acme, {
    enrolment: true,
    email: "Grace@Acme.Example",
    role: "manager",
    locale: "fr",
    name: "Grace",
  });
  const { invitation, token, link, enrolment } = made;
  assert.equal(invitation.email, "grace@acme.example");
  assert.deepEqual(
    [invitation.status, invitation.role, invitation.invited_by, invitation.peer_id],
    ["pending", "manager", acme.userId, enrolment.peer.id],
  );
  assert(link.endsWith(`/accept#tenant=${acme.tenantId}&token=${token}`), link);
  assert.match(enrolment.config, /^PrivateKey = /m);
  assert.equal(enrolment.peer.kind, "enrolment");
  assert.equal(enrolment.peer.expires_at, invitation.expires_at);
  const listed = await api.request(base, as(acme));
  assert.deepEqual(listed.body.items, [invitation]);
  assert(
    !JSON.stringify([listed.text, ...await api.db.owner`select i::text from invitations i`])
      .includes(token),
  );

  const via = tunnelFrom(enrolment.peer.address);
  const elsewhere = await api.request("/api/v1/auth/login", {
    via,
    tenant: "acme",
    body: { email: acme.email, password: acme.password },
  });
  assert.equal(elsewhere.body.code, "enrolment_only");

  const { publicKey } = await generateKeyPair();
  const accepted = await accept(
    api,
    { token, public_key: publicKey, phone: "+33612345678", peer_name: "laptop" },
    { via },
  );
  assert.equal(accepted.status, 201, accepted.text);
  const { user, peer, config, qr } = accepted.body;
  assert.deepEqual(
    [user.email, user.name, user.locale, user.phone, user.roles, user.email_verified_at],
    ["grace@acme.example", "Grace", "fr", "+33612345678", ["manager"], null],
  );
  assert.deepEqual(
    [peer.kind, peer.user_id, peer.public_key, peer.name, qr],
    ["permanent", user.id, publicKey, "laptop", null],
  );
  assert.doesNotMatch(config, /^PrivateKey/m);
  const rows = await api.db.owner`
    select id, kind, extract(epoch from expires_at - ${new Date(api.clock.now())})::integer as left
    from wg_peers order by kind`;
  assert.deepEqual(rows.map(({ kind, left }) => [kind, left]), [
    ["enrolment", 30],
    ["permanent", null],
  ]);

  // By his own peer he logs in as himself and as nobody else.
  const login = (who: { email: string; password: string }) =>
    api.request("/api/v1/auth/login", {
      via: tunnelFrom(peer.address),
      tenant: "acme",
      body: { email: who.email, password: who.password },
    });
  assert.equal((await login({ email: user.email, password })).status, 200);
  assert.equal((await login(acme)).body.code, "wrong_tunnel");
  // The half minute that is left of it is the database's, whose clock does not stand still.
  await api.db
    .owner`update wg_peers set expires_at = now() + interval '1 hour' where kind = 'enrolment'`;
  assert.equal((await accept(api, { token }, { via })).status, 404, "used");
  assert.deepEqual((await api.request(base, as(acme))).body.items, []);
  const [entry] = await api.db.owner`
    select actor, details from audit_log where action = 'user.accept_invitation'`;
  assert.deepEqual([entry?.actor, entry?.details.invited_by], ["user", acme.userId]);
  assert(!api.log.join("\n").includes(token));

  // The next invitation takes what has ended down.
  await api.db.owner`
    update wg_peers set expires_at = ${new Date(api.clock.now())} where kind = 'enrolment'`;
  await invite(api, acme);
  const [gone] = await api.db.owner`select deleted_at from wg_peers where kind = 'enrolment'`;
  assert(gone?.deleted_at);
});

Deno.test("invitations: without a key of one's own the enrolment peer leads to one of the server's, and elsewhere to none", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const first = await invite(api, acme, { enrolment: true });
  const made = await accept(api, { token: first.token }, {
    via: tunnelFrom(first.enrolment.peer.address),
  });
  assert.equal(made.status, 201, made.text);
  assert.match(made.body.config, /^PrivateKey = /m);
  assert.match(made.body.qr.svg, /^<svg /);

  const second = await invite(api, acme, { enrolment: true, email: "second@acme.example" });
  const none = await accept(api, { token: second.token });
  assert.deepEqual([none.status, none.body.peer, none.body.config], [201, null, null]);
  const [own] = await api.db.owner`
    select deleted_at from wg_peers where id = ${second.enrolment.peer.id}`;
  assert(own?.deleted_at, "its enrolment peer is not needed any more");

  // Of a peer without enrolment the quota of users decides.
  await api.db.owner`update tenants set user_peer_quota = 0`;
  const third = await invite(api, acme, { email: "third@acme.example" });
  const { publicKey } = await generateKeyPair();
  const over = await accept(api, { token: third.token, public_key: publicKey });
  assert.equal(over.body.code, "quota_exceeded");
  const fourth = await invite(api, acme, { enrolment: true, email: "fourth@acme.example" });
  const { publicKey: another } = await generateKeyPair();
  const within = await accept(api, { token: fourth.token, public_key: another }, {
    via: tunnelFrom(fourth.enrolment.peer.address),
  });
  assert.equal(within.status, 201, within.text);
});

Deno.test("invitations: by mail nobody but the address gets token and file, and accepting proves the address", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const mailed = await invite(api, acme, { delivery: "mail", enrolment: true });
  assert.deepEqual([mailed.token, mailed.link, mailed.enrolment.config, mailed.enrolment.qr], [
    null,
    null,
    null,
    null,
  ]);
  const [mail] = await api.db.owner`select template from mails`;
  assert.equal(mail?.template, "invitation");
  // What the mail says is sealed; the token is put in its place here.
  const { token } = await invite(api, acme, { email: "x@acme.example" });
  await api.db.owner`
    update invitations set mailed = true where email = 'x@acme.example'`;
  const accepted = await accept(api, { token });
  assert.match(accepted.body.user.email_verified_at, /^20/);
});

Deno.test("invitations: of fifty who accept at once, one becomes a user", async () => {
  await using api = await testApi({ env: { PASSWORD_HASH_QUEUE: "64" } });
  const acme = await adminOf(api, "acme");
  const { token, enrolment } = await invite(api, acme, { enrolment: true });
  const via = tunnelFrom(enrolment.peer.address);
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => accept(api, { token }, { via })),
  );
  const statuses = new Set(replies.map((reply) => reply.status));
  assert.equal(replies.filter((reply) => reply.status === 201).length, 1, [...statuses].join());
  assert([...statuses].every((status) => [201, 404, 503].includes(status)), [...statuses].join());
  const [users] = await api.db.owner`select count(*)::integer as n from users`;
  const [peers] = await api.db.owner`
    select count(*)::integer as n from wg_peers where kind = 'permanent'`;
  assert.deepEqual([users?.n, peers?.n], [2, 1]);
});

Deno.test("invitations: N3: what does not accept is one and the same answer, and changes nothing", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const guest = (name: string, more = {}) =>
    invite(api, acme, { email: `${name}@acme.example`, ...more });
  const theirs = await invite(api, other, { email: "guest@other.example" });
  const withdrawn = await guest("withdrawn");
  await api.request(`${base}/${withdrawn.invitation.id}`, as(acme, { method: "DELETE" }));
  const used = await guest("used");
  assert.equal((await accept(api, { token: used.token })).status, 201);

  // Of inviters who could not invite so any more.
  const byManager = async (email: string, role = "manager") => {
    const manager = await userOf(api, acme, { email, role: "manager" });
    const { token } = await invite(api, manager, { email: `guest-of-${email}`, role });
    return { manager, token };
  };
  const demoted = await byManager("demoted@acme.example");
  const helpless = await byManager("helpless@acme.example", "user");
  await api.db.owner`
    update user_roles set granted_at = ${new Date(0)}, expires_at = ${new Date(api.clock.now())}
    where user_id in (${demoted.manager.userId}, ${helpless.manager.userId})`;
  const inactive = await byManager("inactive@acme.example", "user");
  await api.db.owner`update users set status = 'inactive' where id = ${inactive.manager.userId}`;
  const deleted = await byManager("deleted@acme.example", "user");
  const gone = await api.request(`/api/v1/users/${deleted.manager.userId}`, {
    ...as(acme, { method: "DELETE" }),
  });
  assert.equal(gone.status, 200, gone.text);
  await api.request("/api/v1/roles", { ...as(acme), body: { name: "desk", permissions: [] } });
  const grown = await byManager("grown@acme.example", "desk");
  const [desk] = await api.db.owner`select id from roles where name = 'desk'`;
  await api.request(`/api/v1/roles/${desk?.id}`, {
    ...as(acme, { method: "PUT" }),
    body: { name: "desk", permissions: ["audit.export"] },
  });
  const temporary = await byManager("temporary@acme.example");
  await api.db.owner`
    update user_roles set expires_at = now() + interval '1 day'
    where user_id = ${temporary.manager.userId}`;
  const expired = await guest("expired");
  await api.db.owner`
    update invitations set created_at = created_at - interval '2 days', expires_at = ${new Date(
    api.clock.now(),
  )} where email = 'expired@acme.example'`;

  const tokens: Record<string, string> = {
    "nobody's": "q0Yq1c1d3S0k5mZ8WvJxQm0N9nQmXkXo0m2VxY1b2cM",
    "no token at all": "x",
    "hostile text": "' or true --",
    "another tenant's": theirs.token,
    withdrawn: withdrawn.token,
    used: used.token,
    expired: expired.token,
    "of one demoted": demoted.token,
    "of one who invites nobody any more": helpless.token,
    "of one inactive": inactive.token,
    "of one removed": deleted.token,
    "to a role that has grown": grown.token,
    "of a manager until tomorrow": temporary.token,
  };
  const essence = (
    { status, text, body }: { status: number; text: string; body: { request_id: string } },
  ) => `${status} ${text.replace(body.request_id, "")}`;
  const before = await databaseDigest(api.db);
  const answers = new Set<string>();
  for (const [about, token] of Object.entries(tokens)) {
    const reply = await accept(api, { token });
    assert.equal(reply.status, 404, `${about}: ${reply.text}`);
    answers.add(essence(reply));
  }
  answers.add(essence(await accept(api, { token: theirs.token }, { tenant: "nowhere" })));
  assert.equal(answers.size, 1, [...answers].join("\n"));
  assert.deepEqual(await databaseDigest(api.db), before);
  assert.equal(
    (await api.request(`${base}/accept`, {
      via: loopback,
      body: { token: theirs.token, password },
    })).body.code,
    "tenant_required",
  );

  const open = await guest("open");
  await api.db.owner`update tenants set status = 'suspended' where id = ${acme.tenantId}`;
  assert.equal(essence(await accept(api, { token: open.token })), [...answers][0]);
  await api.db.owner`update tenants set status = 'active'`;
  assert.equal((await accept(api, { token: open.token })).status, 201, "and was good all along");
});

Deno.test("invitations: D2: a refusal on the way to acceptance leaves the token good and nothing made", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const taken = await api.request("/api/v1/wireguard/peers", { ...as(acme), body: { name: "p" } });
  const { token, enrolment } = await invite(api, acme, { enrolment: true });
  const via = tunnelFrom(enrolment.peer.address);
  const before = await databaseDigest(api.db, { except: ["audit_log"] });
  const refusals: [Record<string, unknown>, RequestOptions, string][] = [
    [{ password: "short" }, { via }, "invalid_input"],
    [{ password: "guest@acme.example" }, { via }, "invalid_input"],
    [{ public_key: taken.body.peer.public_key }, { via }, "public_key_taken"],
    [{ public_key: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }, { via }, "invalid_input"],
    [{ role: "admin" }, { via }, "invalid_input"],
    [{ email: "other@acme.example" }, { via }, "invalid_input"],
    [{ name: "a\u0000b" }, { via }, "invalid_input"],
    [{ phone: "112" }, { via }, "invalid_input"],
    [{}, { via, tenant: "other" }, "wrong_tunnel"],
  ];
  for (const [body, more, code] of refusals) {
    const reply = await accept(api, { token, ...body }, more);
    assert.equal(reply.body.code, code, `${JSON.stringify(body)}: ${reply.text}`);
  }
  for (
    const body of [{ password: "Guest@Example1!" }, { name: "Ann Grace", password: "AnnGrace_1" }]
  ) {
    const reply = await accept(api, { token, ...body }, { via });
    assert.equal(reply.body.errors?.[0].code, "personal", reply.text);
  }
  const [owned] = [
    await api.request("/api/v1/wireguard/me/peers", { ...as(acme), body: { name: "o" } }),
  ];
  const through = tunnelFrom(owned.body.peer.address);
  assert.equal((await accept(api, { token }, { via: through })).body.code, "wrong_tunnel");
  await api.request(
    `/api/v1/wireguard/me/peers/${owned.body.peer.id}`,
    as(acme, { method: "DELETE" }),
  );
  await api.db.owner`update wg_ip_pool set free_from = null where free_from is not null`;
  assert.equal((await accept(api, { token }, { via })).body.code, "pool_exhausted");
  await api.db.owner`update wg_ip_pool set free_from = '-infinity'
    where address not in (select address from wg_peers)`;
  const unchanged = await databaseDigest(api.db, { except: ["audit_log"] });
  for (const table of ["users", "user_roles", "invitations", "sessions"]) {
    assert.equal(unchanged[table], before[table], table);
  }
  assert.equal((await accept(api, { token }, { via })).status, 201);
});
