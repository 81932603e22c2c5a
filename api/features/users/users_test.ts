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
import { until } from "../../../tests/support/until.ts";

const base = "/api/v1/users";

async function roleId(api: TestApi, who: Persona, name: string): Promise<number> {
  const { body } = await api.request("/api/v1/roles", as(who));
  return body.items.find((role: { name: string }) => role.name === name).id;
}

Deno.test("users: made, read, changed by an admin and by oneself, each field held to its form", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const made = await api.request(base, {
    ...as(acme),
    body: { email: " Zoë@Acme.Example ", name: "Zoë 🙂", locale: "fr", phone: "+33612345678" },
  });
  assert.equal(made.status, 201, made.text);
  const { user } = made.body;
  assert.equal(user.email, "zoë@acme.example");
  assert.deepEqual(user.roles, ["user"]);
  assert.equal(made.headers.get("location"), `${base}/${user.id}`);
  assert.deepEqual((await api.request(`${base}/${user.id}`, as(acme))).body, user);

  const put = (id: number | "me", body: unknown, who = acme) =>
    api.request(`${base}/${id}`, { ...as(who), method: "PUT", body });
  const verified = await api.request(`${base}/${user.id}/verify`, { ...as(acme), method: "POST" });
  assert.match(verified.body.email_verified_at, /^20/);
  const renamed = await put(user.id, { name: "Z", phone: null });
  assert.deepEqual(
    [renamed.body.name, renamed.body.phone, renamed.body.email_verified_at !== null],
    ["Z", null, true],
  );
  const moved = await put(user.id, { email: "z@acme.example" });
  assert.equal(moved.body.email_verified_at, null, "nobody has proven the new address");
  assert.equal((await put(user.id, { email: acme.email })).body.code, "email_taken");

  const wrong: [unknown, string][] = [
    [{ email: "no address" }, "email"],
    [{ phone: "0612345678" }, "phone"],
    [{ phone: "+0612345678" }, "phone"],
    [{ phone: "+3361234567890123" }, "phone"],
    [{ phone: "+33 6 12 34 56 78" }, "phone"],
    [{ locale: "de" }, "locale"],
    [{ name: "a\nb" }, "name"],
    [{ name: "x".repeat(201) }, "name"],
    [{ status: "inactive" }, "status"],
    [{ roles: ["admin"] }, "roles"],
  ];
  for (const [body, path] of wrong) {
    const reply = await put(user.id, body);
    assert.deepEqual([reply.status, reply.body.errors?.[0].path], [422, path], reply.text);
  }
  const zoe = await userOf(api, acme, { email: "bob@acme.example" });
  const own = await put("me", { name: "Bob", locale: "fr", phone: "+491701234567" }, zoe);
  assert.deepEqual([own.body.name, own.body.locale, own.body.phone], [
    "Bob",
    "fr",
    "+491701234567",
  ]);
  assert.match(own.body.last_login_at, /^20/);
  for (const field of ["email", "status", "role", "email_verified_at"]) {
    assert.equal((await put("me", { [field]: "x" }, zoe)).status, 422, field);
  }
  assert.deepEqual((await api.request(`${base}/me`, as(zoe))).body, own.body);
  const [entry] = await api.db.owner`
    select details from audit_log where action = 'user.update' order by id desc limit 1`;
  assert.deepEqual(entry?.details.name, { before: '""', after: '"Bob"' });
});

Deno.test("users: the list is filtered, sorted and paged without a gap, and takes no other cursor", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const people = [["ann", "Zed"], ["bea", "Émile"], ["cyd", "Émile"], ["dan", "%_"]] as const;
  for (const [local, name] of people) {
    const reply = await api.request(base, {
      ...as(acme),
      body: { email: `${local}@acme.example`, name, role: local === "ann" ? "manager" : "user" },
    });
    assert.equal(reply.status, 201);
  }
  await api.db.owner`update users set status = 'inactive' where email like 'dan%'`;
  const list = async (query: string) => {
    const reply = await api.request(`${base}?${query}`, as(acme));
    assert.equal(reply.status, 200, reply.text);
    return reply.body.items.map((user: { email: string }) => user.email.split("@")[0]).join(" ");
  };
  assert.equal(await list(""), "admin ann bea cyd dan");
  assert.equal(await list("sort=-created_at"), "dan cyd bea ann admin");
  assert.equal(await list("sort=-email&limit=2"), "dan cyd");
  assert.equal(await list("sort=name"), "admin dan ann bea cyd");
  assert.equal(await list("status=inactive"), "dan");
  assert.equal(await list("role=manager"), "ann");
  assert.equal(await list("role=nobody"), "");
  assert.equal(await list("q=%C3%89MILE"), "bea cyd");
  assert.equal(await list("q=%25_"), "dan", "no pattern, but text");
  assert.equal(await list("q=CYD@"), "cyd");
  assert.equal(await list("email_verified=true"), "");

  for (const sort of ["id", "-id", "email", "-email", "name", "-name"]) {
    const whole = await list(`sort=${sort}`);
    const seen: string[] = [];
    let cursor = "";
    do {
      const { body } = await api.request(`${base}?sort=${sort}&limit=2${cursor}`, as(acme));
      seen.push(...body.items.map((user: { email: string }) => user.email.split("@")[0]));
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    } while (cursor);
    assert.equal(seen.join(" "), whole, sort);
  }
  const { body } = await api.request(`${base}?sort=name&limit=1`, as(acme));
  for (const cursor of [`${body.next_cursor}&sort=email`, "x", "W10", "AAAA", "%00", "-1"]) {
    const reply = await api.request(`${base}?cursor=${cursor}`, as(acme));
    assert.equal(reply.status, 422, cursor);
  }
  for (
    const query of ["limit=0", "limit=201", "sort=password_hash", "status=deleted", "role=%00"]
  ) {
    assert.equal((await api.request(`${base}?${query}`, as(acme))).status, 422, query);
  }
});

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

Deno.test("users: A1, T3: deactivating ends sessions, keys and log-in at once, and says removed once it is proven", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example", role: "manager" });
  const peer = await api.request("/api/v1/wireguard/me/peers", {
    ...as(bob),
    body: { name: "laptop" },
  });
  const { key } = (await api.request("/api/v1/api-keys", {
    ...as(bob),
    body: { name: "k", scopes: ["users.read"] },
  })).body;
  const deactivate = () =>
    api.request(`${base}/${bob.userId}/deactivate`, as(acme, { method: "POST" }));
  const pending = await deactivate();
  assert.equal(pending.status, 202, pending.text);
  assert.deepEqual(
    [pending.body.sessions_ended, pending.body.removed, pending.body.status],
    [1, false, "revoking"],
  );
  assert.equal((await api.request(base, as(bob))).status, 401);
  assert.equal(
    (await api.request(base, { via: loopback, headers: { "x-api-key": key } })).status,
    401,
  );
  const login = () =>
    api.request("/api/v1/auth/login", {
      via: loopback,
      tenant: "acme",
      body: { email: bob.email, password: bob.password },
    });
  assert.equal((await login()).status, 401);
  // What the daemon writes once it has read the interface back without the peer.
  await api.db.owner`
    insert into wg_peer_status (tenant_id, peer_id, generation, state)
      select tenant_id, id, generation, 'removed' from wg_peers where id = ${peer.body.peer.id}`;
  const proven = await deactivate();
  assert.deepEqual([proven.status, proven.body.removed, proven.body.sessions_ended], [
    200,
    true,
    0,
  ]);
  assert.equal(proven.body.user.status, "inactive");

  await api.request(`${base}/${bob.userId}/activate`, as(acme, { method: "POST" }));
  assert.equal((await api.request(base, as(bob))).status, 401, "what ended stays so");
  assert.equal((await login()).status, 200);
  const last = await api.request(`${base}/${acme.userId}/deactivate`, as(acme, { method: "POST" }));
  assert.deepEqual([last.status, last.body.code], [409, "last_admin"]);
  assert.equal((await api.request(base, as(acme))).status, 200);
});

Deno.test("users: T3: removing one takes all that is his, turns his peers to tombstones, and leaves the log", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example", role: "manager" });
  const peer = await api.request("/api/v1/wireguard/me/peers", {
    ...as(bob),
    body: { name: "laptop" },
  });
  await api.request("/api/v1/api-keys", {
    ...as(bob),
    body: { name: "k", scopes: ["users.read"] },
  });
  const invited = await api.request(`${base}/invitations`, {
    ...as(bob),
    body: { email: "guest@acme.example", delivery: "inline" },
  });
  assert.equal(invited.status, 201, invited.text);

  await api.db.owner`update sessions set stepped_up_at = null where user_id = ${acme.userId}`;
  const remove = (id: number) => api.request(`${base}/${id}`, as(acme, { method: "DELETE" }));
  assert.equal((await remove(bob.userId)).body.code, "step_up_required");
  await api.db.owner`update sessions set stepped_up_at = ${new Date(api.clock.now())}`;
  const removed = await remove(bob.userId);
  assert.deepEqual([removed.status, removed.body], [202, { removed: false, status: "revoking" }]);
  for (const table of ["sessions", "api_keys", "user_roles"]) {
    const rows = await api.db.owner.unsafe(
      `select from ${table} where user_id = ${bob.userId}`,
    );
    assert.equal(rows.length, 0, table);
  }
  assert.equal((await api.db.owner`select from invitations`).length, 0);
  const peers = await api.db.owner`
    select id, user_id, deleted_at is not null as tombstone from wg_peers order by kind desc`;
  assert.deepEqual(peers.map((row) => ({ ...row })), [
    { id: peer.body.peer.id, user_id: null, tombstone: true },
    { id: invited.body.enrolment.peer.id, user_id: null, tombstone: true },
  ]);
  assert.equal((await api.request(base, as(bob))).status, 401);
  const [kept] = await api.db.owner`
    select count(*)::integer as n from audit_log where actor_user_id = ${bob.userId}`;
  assert(kept?.n > 0);
  const again = await remove(bob.userId);
  const unknown = await remove(4711);
  assert.equal(again.status, 404);
  assert.equal(
    again.text.replace(again.body.request_id, ""),
    unknown.text.replace(unknown.body.request_id, ""),
  );
  const last = await remove(acme.userId);
  assert.deepEqual([last.status, last.body.code], [409, "last_admin"]);
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

Deno.test("users: a creation that is refused costs no hash, and those of one tenant keep nobody else's log-in waiting", async () => {
  await using api = await testApi({
    env: { PASSWORD_HASH_CONCURRENCY: "1", DATABASE_POOL_TIMEOUT: "30" },
    inProcess: "counts the hashes of one process",
  });
  const [acme, beta] = [await adminOf(api, "acme"), await adminOf(api, "beta")];
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  const before = api.deps.hasher.stats.hashes;
  const refusals: [unknown, string][] = [
    [{ email: "x@acme.example", role: "no-such-role" }, "invalid_input"],
    [{ email: "x@acme.example", role: "admin" }, "grant_exceeds_own"],
    [{ email: acme.email }, "email_taken"],
  ];
  for (const [body, code] of refusals) {
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => api.request(base, { ...as(manager), body })),
    );
    assert.deepEqual(new Set(replies.map((reply) => reply.body.code)), new Set([code]));
  }
  assert.equal(api.deps.hasher.stats.hashes, before);

  let left = 60;
  const flood = Array.from({ length: left }, async (_, n) => {
    await api.request(base, { ...as(manager), body: { email: `u${n}@acme.example` } });
    left--;
  });
  await until("thirty wait", () => api.deps.hasher.stats.waiting > 30);
  const login = await api.request("/api/v1/auth/login", {
    via: loopback,
    tenant: "beta",
    body: { email: beta.email, password: beta.password },
  });
  assert.equal(login.status, 200, login.text);
  assert(left > 10, `${left} of acme's still wait when beta's log-in is answered`);
  await Promise.all(flood);
});
