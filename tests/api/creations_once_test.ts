import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  loopback,
  type Persona,
  type Reply,
  type RequestOptions,
  superadminOf,
  type TestApi,
  testApi,
  tunnelFrom,
  userOf,
} from "../support/api.ts";
import { databaseDigest } from "../support/database_digest.ts";
import { until } from "../support/until.ts";

const password = "Correct-Horse-7-Battery";
const keyed = (key: string, options: RequestOptions): RequestOptions => ({
  ...options,
  headers: { ...options.headers, "Idempotency-Key": key },
});

/** Every operation that creates, as whom and with what it is asked, how many do it at once, and what tells it made one. */
async function creations(api: TestApi, acme: Persona) {
  const as = { via: loopback, token: acme.token };
  const operator = { tenant: acme.slug };
  const guest = await userOf(api, acme, { email: "guest@acme.example" });
  const [role] = await api.db.owner`
    select id from roles where tenant_id = ${acme.tenantId} and system = 'manager'`;
  const invited = await api.request("/api/v1/users/invitations", {
    ...as,
    body: { email: "late@acme.example", delivery: "inline" },
  });
  // deno-lint-ignore no-explicit-any
  const id = (body: any) => body.id;
  return [
    ["/api/v1/users", as, { email: "new@acme.example" }, 6, (b) => b.user.id],
    [
      "/api/v1/users/import",
      operator,
      {
        email: "old@acme.example",
        password_hash: "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
      },
      50,
      (b) => b.user.id,
    ],
    [
      "/api/v1/users/invitations",
      as,
      { email: "next@acme.example", delivery: "inline" },
      50,
      (b) => b.invitation.id,
    ],
    [
      "/api/v1/users/invitations/accept",
      {
        via: tunnelFrom(invited.body.enrolment.peer.address),
        tenant: "acme",
      },
      { token: invited.body.token, password },
      6,
      (b) => `${b.user.id} ${b.peer.id}`,
    ],
    ["/api/v1/roles", as, { name: "auditor", permissions: ["audit.read"] }, 50, id],
    [`/api/v1/users/${guest.userId}/roles`, as, { role_id: role?.id }, 50, (b) => b.role_id],
    ["/api/v1/api-keys", as, { name: "script", scopes: ["users.read"] }, 50, (b) => b.api_key.id],
    ["/api/v1/wireguard/peers", as, { name: "laptop" }, 50, (b) => b.peer.id],
    ["/api/v1/wireguard/me/peers", as, { name: "own" }, 10, (b) => b.peer.id],
    [
      "/api/v1/wireguard/peers/bulk",
      as,
      { peers: [{ name: "a" }, { name: "b" }] },
      20,
      (b) => b.items.map((item: { peer: { id: string } }) => item.peer.id).join(" "),
    ],
    [
      "/api/v1/wireguard/grants",
      operator,
      {
        name: "intranet",
        network: "192.0.2.0/24",
        protocol: "any",
      },
      50,
      id,
    ],
    [
      "/api/v1/wireguard/gateways",
      {},
      {
        name: "wgb",
        network: "10.77.0.0/24",
        endpoint: "b.example.org",
      },
      20,
      (b) => b.gateway.id,
    ],
    [
      "/api/v1/tenants",
      {},
      {
        slug: "beta",
        name: "Beta",
        admin_email: "ada@beta.example",
      },
      50,
      (b) => `${b.tenant.id} ${b.invitation.id} ${b.enrolment.peer.id}`,
    ],
    // deno-lint-ignore no-explicit-any
  ] as [string, RequestOptions, Record<string, unknown>, number, (body: any) => unknown][];
}

Deno.test("Idempotency-Key: D2: of fifty who create with one key at once one does, and another request under it is refused", async (t) => {
  await using api = await testApi();
  // Gateways are in the log of the platform's own tenant.
  await superadminOf(api);
  const acme = await adminOf(api, "acme");
  const { body: document } = await api.request("/openapi.json");
  const all = await creations(api, acme);
  const template = (path: string) => path.replace(/\/\d+(?=\/)/, "/{id}");
  const promised = Object.entries<
    Record<string, { responses: object; parameters?: { name: string }[] }>
  >(
    document.paths,
  ).filter(([, { post }]) => post && "201" in post.responses);
  assert.deepEqual(
    promised.map(([path]) => path).toSorted(),
    all.map(([path]) => template(path)).toSorted(),
    "every POST that answers 201 is tried here",
  );
  for (const [path, { post }] of promised) {
    assert(post?.parameters?.some(({ name }) => name === "Idempotency-Key"), path);
  }
  const entries = async () => {
    const rows = await api.db.owner`
      select action, count(*)::integer as n from audit_log where details->>'repeated' is null
        and action ~ 'create|invite|import|give_role|accept|grant|gateway_add' group by action`;
    return rows.reduce((sum, { n }) => sum + n, 0);
  };
  for (const [path, options, body, n, of] of all) {
    await t.step(path, async () => {
      // What a step leaves for half a minute ends by the database's clock, which goes on meanwhile.
      api.clock.advance(Date.now() - api.clock.now());
      const before = await entries();
      // On a busy machine who waits too long for the others is told to ask again, and does.
      const ask = async (more = {}): Promise<Reply> => {
        const reply = await api.request(
          path,
          keyed(`once${path}`, { ...options, body: { ...body, ...more } }),
        );
        return reply.body?.code === "overloaded" ? await ask(more) : reply;
      };
      const replies = await Promise.all(Array.from({ length: n }, () => ask()));
      for (const reply of replies) assert.equal(reply.status, 201, reply.text);
      assert.equal(new Set(replies.map((reply) => of(reply.body))).size, 1);
      // A tenant, an invitation and an accepted one are written down together with the enrolment peer.
      const made = await entries() - before;
      assert(made >= 1 && made <= 3, `${made} entries`);
      const whole = await databaseDigest(api.db);
      const other = await ask(path.endsWith("/bulk") ? { peers: [{ name: "c" }] } : { extra: 1 });
      assert.equal(other.status, 422);
      const [name] = Object.keys(body);
      const value = typeof body[name ?? ""] === "string" ? `${body[name ?? ""]}` : undefined;
      const changed = value === undefined || name === "token"
        ? other
        : await ask({ [name ?? ""]: name === "email" ? `x${value}` : `${value}x` });
      assert.deepEqual([changed.status, changed.body.code], [
        422,
        changed === other && !path.endsWith("/bulk") ? "invalid_input" : "idempotency_key_reused",
      ], changed.text);
      assert.deepEqual(await databaseDigest(api.db), whole);
    });
  }
  const [kept] = await api.db.owner`
    select (select count(*) from idempotency_keys)::integer as keys,
      (select count(*) from tenant_creations)::integer as tenants`;
  assert.deepEqual({ ...kept }, { keys: all.length - 1, tenants: 1 });
});

Deno.test("Idempotency-Key: A6: a secret that was never used is made anew and the one before is void; one that was used is not shown again", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const as = { via: loopback, token: acme.token };
  const twice = async (path: string, options: RequestOptions) => {
    const replies = [];
    for (const _ of [1, 2]) {
      const reply = await api.request(path, keyed(path, options));
      assert.equal(reply.status, 201, reply.text);
      replies.push(reply.body);
    }
    return replies;
  };

  const key = { ...as, body: { name: "k", scopes: ["users.read"] } };
  const [lost, had] = await twice("/api/v1/api-keys", key);
  const use = async (text: string) =>
    (await api.request("/api/v1/users", { via: loopback, headers: { "X-API-Key": text } })).status;
  assert.deepEqual([await use(lost.key), await use(had.key)], [401, 200]);
  await api.deps.apiKeyUsage.flush();
  await until("its use is written down, by whichever process saw it", async () => {
    const [row] = await api.db.owner`select 1 from api_keys where last_used_at is not null`;
    return row !== undefined;
  });
  const [third] = await twice("/api/v1/api-keys", key);
  assert.deepEqual([third.key, third.api_key.id, await use(had.key)], [null, had.api_key.id, 200]);

  // Nor does a repetition bring one back that was revoked, or has ended.
  const ends = ["revoked_at = now()", "expires_at = created_at + interval '1 ms'"];
  for (const [n, end] of ends.entries()) {
    const name = `gone${n}`;
    const gone = keyed(name, { ...as, body: { name, scopes: ["users.read"] } });
    const { body } = await api.request("/api/v1/api-keys", gone);
    await api.db.owner.unsafe(`update api_keys set ${end} where name = '${name}'`);
    api.clock.advance(1);
    const repeated = await api.request("/api/v1/api-keys", gone);
    assert.deepEqual([repeated.status, repeated.body.key], [201, null], repeated.text);
    assert.equal(await use(body.key), 401);
  }

  const user = { ...as, body: { email: "new@acme.example" } };
  const [, made] = await twice("/api/v1/users", user);
  const who = { ...acme, userId: made.user.id, email: user.body.email };
  const tried = (password: string) =>
    api.request("/api/v1/auth/login", {
      via: loopback,
      tenant: "acme",
      body: { email: who.email, password },
    });
  const [remade] = await twice("/api/v1/users", user);
  assert.equal((await tried(made.password)).status, 401);
  const [last] = await twice("/api/v1/users", user);
  assert.notEqual(last.password, remade.password);
  const [newest] = await twice("/api/v1/users", user).then((replies) => replies.slice(-1));
  await logIn(api, { ...who, password: newest.password });
  assert.equal((await twice("/api/v1/users", user))[0].password, null, "he has logged in");
  const other = { ...as, body: { email: "other@acme.example" } };
  const changing = keyed("other", other);
  const changed = await api.request("/api/v1/users", changing);
  await api.db
    .owner`update users set password_hash = password_hash where id = ${changed.body.user.id}`;
  assert.equal((await api.request("/api/v1/users", changing)).body.password, null, "he changed");
  // Nor does anybody get a password of who may do more than he by now.
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  const mine = keyed("mine", {
    via: loopback,
    token: manager.token,
    body: { email: "p@acme.example" },
  });
  const promoted = await api.request("/api/v1/users", mine);
  await api.db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
      select tenant_id, ${promoted.body.user.id}, id from roles
      where tenant_id = ${acme.tenantId} and system = 'admin'`;
  assert.equal((await api.request("/api/v1/users", mine)).body.code, "grant_exceeds_own");

  const [first, second] = await twice("/api/v1/users/invitations", {
    ...as,
    body: { email: "guest@acme.example", delivery: "inline" },
  });
  assert.notEqual(first.enrolment.peer.public_key, second.enrolment.peer.public_key);
  const accept = (token: string, more: Record<string, unknown> = {}) =>
    api.request(
      "/api/v1/users/invitations/accept",
      keyed("accept", {
        via: tunnelFrom(second.enrolment.peer.address),
        tenant: "acme",
        body: { token, password, ...more },
      }),
    );
  assert.equal((await accept(first.token)).status, 404);
  const accepted = await accept(second.token);
  const repeated = await accept(second.token);
  assert.deepEqual([accepted.status, repeated.status], [201, 201], repeated.text);
  assert.equal(repeated.body.peer.id, accepted.body.peer.id);
  assert.notEqual(repeated.body.peer.public_key, accepted.body.peer.public_key);
  assert.equal((await accept(second.token, { password: "Wrong-Horse-7-Battery" })).status, 422);
  const { user: guest } = accepted.body;
  await api.db.owner`update users set status = 'inactive' where id = ${guest.id}`;
  assert.equal(
    (await accept(second.token)).status,
    404,
    "nobody gets new keys for who is shut out",
  );
  await api.db.owner`update users set status = 'active' where id = ${guest.id}`;
  const again = await api.request(
    "/api/v1/users/invitations",
    keyed("/api/v1/users/invitations", {
      ...as,
      body: { email: "guest@acme.example", delivery: "inline" },
    }),
  );
  assert.equal(again.status, 404, "it was accepted");

  const dump = JSON.stringify([
    await api.db.owner`select k::text from idempotency_keys k`,
    await api.db.owner`select a::text from audit_log a`,
  ]);
  for (const secret of [had.key, newest.password, second.token, password, repeated.body.config]) {
    assert(!dump.includes(secret));
  }
});
