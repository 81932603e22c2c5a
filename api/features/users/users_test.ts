import assert from "node:assert/strict";
import { adminOf, as, loopback, testApi, userOf } from "../../../tests/support/api.ts";
import { until } from "../../../tests/support/until.ts";
import type { Party } from "../../../lib/turns.ts";
import { leastArgon2 } from "../../auth/argon2.ts";
import { createPasswordHasher } from "../../auth/password_hash.ts";
import { asTenantId } from "../../database/tenancy.ts";
import { gatherRoles, listUsers } from "./store.ts";

const base = "/api/v1/users";

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

Deno.test("users: a time is cut to the millisecond, the same text wherever it is shown", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const told = {
    "2026-01-02 03:04:05+00": "2026-01-02T03:04:05.000Z",
    "2026-01-02 03:04:05.1+00": "2026-01-02T03:04:05.100Z",
    "2026-01-02 03:04:05.12+00": "2026-01-02T03:04:05.120Z",
    "2026-01-02 03:04:05.010203+00": "2026-01-02T03:04:05.010Z",
    "2026-01-02 03:04:05.999999+00": "2026-01-02T03:04:05.999Z",
    "1999-12-31 23:30:00.9996-01": "2000-01-01T00:30:00.999Z",
    "9999-12-31 23:59:59.999999+00": "9999-12-31T23:59:59.999Z",
  };
  for (const [at, text] of Object.entries(told)) {
    await api.db.owner`
      update users set created_at = ${at}::text::timestamptz, email_verified_at = ${at}::text::timestamptz,
        last_login_at = ${at}::text::timestamptz
      where id = ${acme.userId}`;
    const [listed] = (await api.request(base, as(acme))).body.items;
    assert.deepEqual(
      [listed.created_at, listed.email_verified_at, listed.last_login_at],
      [text, text, text],
    );
    for (const path of [`${base}/${acme.userId}`, `${base}/me`]) {
      assert.deepEqual((await api.request(path, as(acme))).body, listed, path);
    }
    assert.equal((await api.request("/api/v1/auth/me", as(acme))).body.created_at, text);
  }
});

Deno.test("users: each has the roles that he has now, in the order of their names, wherever a page ends", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const beside = await adminOf(api, "beside");
  const names = Array.from({ length: 20 }, (_, n) => `role-${String.fromCharCode(116 - n)}`);
  for (const { tenantId } of [acme, beside]) {
    await api.db.owner`
      insert into roles (tenant_id, name) select ${tenantId}, name from unnest(${names}::text[]) name`;
    await api.db.owner`
      insert into users (tenant_id, email, password_hash)
      select ${tenantId}, local || '@x.example', u.password_hash
      from users u, unnest(array['none', 'all', 'ended', 'one']) local where u.id = ${acme.userId}`;
    await api.db.owner`
      insert into user_roles (tenant_id, user_id, role_id, granted_at, expires_at)
      select u.tenant_id, u.id, r.id, ${new Date(0)},
        case when u.email like 'ended%' then ${new Date(api.clock.now())}::timestamptz
          when u.email like 'one%' then ${new Date(api.clock.now() + 1)}::timestamptz end
      from users u join roles r on r.tenant_id = u.tenant_id and r.name like 'role-%'
      where u.tenant_id = ${tenantId} and (
        u.email like 'all%' or u.email like 'ended%' or u.email like 'one%' and r.name = 'role-k')`;
  }
  const expected: Record<string, string[]> = {
    admin: ["admin"],
    all: names.toSorted(),
    ended: [],
    none: [],
    one: ["role-k"],
  };
  const listed = async (query: string) => {
    const seen: Record<string, string[]> = {};
    let cursor = "";
    do {
      const { status, text, body } = await api.request(`${base}?${query}${cursor}`, as(acme));
      assert.equal(status, 200, text);
      for (const { email, roles } of body.items) seen[email.split("@")[0]] = roles;
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    } while (cursor);
    return seen;
  };
  for (
    const sort of ["id", "-id", "created_at", "-created_at", "email", "-email", "name", "-name"]
  ) {
    for (const limit of [1, 2, 200]) {
      assert.deepEqual(await listed(`sort=${sort}&limit=${limit}`), expected, `${sort} ${limit}`);
    }
  }
  const { all, one } = expected;
  assert.deepEqual(await listed("role=role-k&limit=1"), { all, one });
  assert.deepEqual(await listed("q=nobody"), {});
  api.clock.advance(1);
  assert.deepEqual(await listed("role=role-k"), { all }, "it has ended");
  assert.deepEqual((await listed("limit=1")).one, []);
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

  // The one place is held until all of them wait for it, whoever is faster: the database or the hashes.
  const held = Promise.withResolvers<boolean>();
  const hasher = await createPasswordHasher({
    concurrency: 1,
    queue: 64,
    parameters: leastArgon2,
    bcrypt: { verify: () => held.promise, close: () => {} },
  });
  const served: Party[] = [];
  const inTurn = async <T>(of: Party, work: Promise<T>) => {
    const done = await work;
    served.push(of);
    return done;
  };
  api.deps.hasher = {
    ...hasher,
    hash: (password, of) => inTurn(of, hasher.hash(password, of)),
    verify: (stored, password, of) => inTurn(of, hasher.verify(stored, password, of)),
  };
  const holder = hasher.verify(`$2b$10$${"x".repeat(53)}`, "", acme.tenantId);
  const flood = Array.from(
    { length: 60 },
    (_, n) => api.request(base, { ...as(manager), body: { email: `u${n}@acme.example` } }),
  );
  await until("all of acme's wait", () => hasher.stats.waiting === 60);
  const login = api.request("/api/v1/auth/login", {
    via: loopback,
    tenant: "beta",
    body: { email: beta.email, password: beta.password },
  });
  await until("beta's waits behind them", () => hasher.stats.waiting === 61);
  held.resolve(false);
  const { status, text } = await login;
  assert.equal(status, 200, text);
  await Promise.all([holder, ...flood]);
  assert.equal(served.length, 61);
  const turn = served.indexOf(beta.tenantId);
  assert.ok(turn <= 1, `${turn} of acme's went before beta's`);
});

Deno.test("listUsers: a page looks at its users' roles, and not through all who hold the same", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  // Rows that a vacuum has seen are read from the index alone, and are not counted below.
  await api.db.owner`alter table user_roles set (autovacuum_enabled = false)`;
  // With so many, come in turns as they do, PostgreSQL takes the shorter index for the better one.
  await api.db.owner`
    insert into tenants (slug, name) select 'other' || n, 'Other' from generate_series(1, 600) n`;
  await api.db.owner`
    insert into users (tenant_id, email, password_hash)
    select t.id, 'user' || n || '@x.example', u.password_hash
    from tenants t, users u, generate_series(1, 60) n where u.id = ${acme.userId} order by n, t.id`;
  await api.db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
    select u.tenant_id, u.id, r.id from users u join roles r on r.tenant_id = u.tenant_id order by u.id
    on conflict do nothing`;
  await api.db.owner`analyze`;
  const read = await api.deps.tenancy.transaction(asTenantId(acme.tenantId), async (sql) => {
    const fetched = async () => {
      const [row] = await sql<{ rows: number }[]>`
        select idx_tup_fetch::integer as rows from pg_stat_xact_user_tables where relname = 'user_roles'`;
      return row?.rows ?? 0;
    };
    const before = await fetched();
    const rows = await listUsers(sql, {
      filters: { status: null, role: null, verified: null, text: null },
      order: "id",
      after: null,
      limit: 51,
      now: new Date(),
    });
    const roles = gatherRoles(rows).flatMap((user) => user.roles);
    return { roles: roles.length, fetched: await fetched() - before };
  });
  assert(read.roles > 51, `${read.roles}`);
  assert.equal(read.fetched, read.roles);
});
