import assert from "node:assert/strict";
import { permissions } from "../../auth/permissions.ts";
import {
  adminOf,
  as,
  loopback,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { until } from "../../../tests/support/until.ts";
import { assertInContract } from "../../../tests/support/refusals.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const roles = "/api/v1/roles";

async function makeRole(api: TestApi, who: Persona, name: string, permissions: string[]) {
  const reply = await api.request(roles, { ...as(who), body: { name, permissions } });
  assert.equal(reply.status, 201, reply.text);
  return reply.body;
}

const give = (api: TestApi, who: Persona, user: number, body: Record<string, unknown>) =>
  api.request(`/api/v1/users/${user}/roles`, { ...as(who), body });

/** Every page of a list, by its cursors; what is no page or cursor is refused. */
async function pages(api: TestApi, who: Persona, path: string, query: string) {
  for (const wrong of ["limit=0", "limit=201", "cursor=%00", "cursor=-1"]) {
    assert.equal((await api.request(`${path}?${wrong}`, as(who))).status, 422, wrong);
  }
  const found: { name: string }[][] = [];
  let cursor: string | null = null;
  do {
    const next: string = cursor === null ? "" : `&cursor=${cursor}`;
    const { status, body, text } = await api.request(`${path}?${query}${next}`, as(who));
    assert.equal(status, 200, text);
    found.push(body.items);
    cursor = body.next_cursor;
  } while (cursor !== null && found.length < 20);
  return found;
}

async function idOf(api: TestApi, tenantId: number, name: string): Promise<number> {
  const [row] = await api.db.owner`
    select id from roles where tenant_id = ${tenantId} and name = ${name}`;
  return row?.id;
}

/** Refused as beyond the caller's own, and nothing changed. */
async function assertBeyond(
  api: TestApi,
  path: string,
  options: RequestOptions,
  about: string,
): Promise<void> {
  // Use of a key is written every few seconds; and that he tried.
  const except = ["api_key_usage", "api_keys", "audit_log"];
  const before = await databaseDigest(api.db, { except });
  const reply = await api.request(path, { via: loopback, ...options });
  assert.deepEqual([reply.status, reply.body.code], [403, "grant_exceeds_own"], about);
  await assertInContract(options.method ?? "POST", path, reply);
  assert.deepEqual(await databaseDigest(api.db, { except }), before, about);
}

Deno.test("roles: made, read, changed and removed; what is the system's, in use or wrong is refused", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const made = await makeRole(api, acme, "helpdesk", ["users.write", "users.read"]);
  assert.deepEqual(made.permissions, ["users.read", "users.write"]);
  assert.equal(made.system, false);
  const put = (id: number, body: unknown) =>
    api.request(`${roles}/${id}`, { ...as(acme), method: "PUT", body });
  const changed = await put(made.id, {
    name: "desk",
    description: "Of help",
    permissions: ["users.read", "audit.read"],
    mfa_required: true,
  });
  assert.deepEqual([made.mfa_required, changed.body.mfa_required], [false, true]);
  assert.deepEqual(changed.body.permissions, ["audit.read", "users.read"]);
  assert.deepEqual((await api.request(`${roles}/${made.id}`, as(acme))).body, changed.body);
  const { body } = await api.request(`${roles}?limit=2`, as(acme));
  assert.deepEqual(body.items.map((role: { name: string }) => role.name), ["user", "manager"]);
  const next = await api.request(`${roles}?cursor=${body.next_cursor}`, as(acme));
  assert.deepEqual(next.body.items.map((role: { name: string }) => role.name), ["admin", "desk"]);
  const closed = await api.request("/api/v1/permissions", as(acme));
  assert.deepEqual(closed.body.items[0], {
    name: "api_keys.read",
    description: "See the API keys of all users",
    platform: false,
  });
  const names = await pages(api, acme, "/api/v1/permissions", "limit=4");
  assert.deepEqual(names.map((page) => page.length), [4, 4, 4, 3]);
  assert.deepEqual(names.flat().map(({ name }) => name), permissions.toSorted());

  const create = (body: unknown) => api.request(roles, { ...as(acme), body });
  const desk = { name: "desk", permissions: [] };
  assert.equal((await create(desk)).body.code, "role_name_taken");
  const wrong = [
    { ...desk, name: "superadmin" },
    { ...desk, name: "operator" },
    { ...desk, name: "A" },
    { ...desk, name: "a'; drop table roles--" },
    { ...desk, name: "x", permissions: ["platform.tenants"] },
    { ...desk, name: "x", permissions: ["moon.write"] },
    { ...desk, name: "x", permissions: ["users.read", "users.read"] },
    { ...desk, name: "x", system: "admin" },
    { ...desk, name: "x", description: "a\u2028\nb" },
  ];
  for (const body of wrong) {
    const reply = await create(body);
    assert.equal(reply.status, 422, `${JSON.stringify(body)}: ${reply.text}`);
  }
  const admin = await idOf(api, acme.tenantId, "admin");
  const remove = (id: number) => api.request(`${roles}/${id}`, as(acme, { method: "DELETE" }));
  assert.equal((await put(admin, desk)).body.code, "system_role");
  assert.equal((await remove(admin)).body.code, "system_role");

  const bob = await userOf(api, acme, { email: "bob@acme.example", role: "desk" });
  assert.equal((await remove(made.id)).body.code, "role_in_use");
  const taken = await api.request(`/api/v1/users/${bob.userId}/roles/${made.id}`, {
    ...as(acme, { method: "DELETE" }),
  });
  assert.equal(taken.status, 200);
  assert.equal((await remove(made.id)).status, 200);
  assert.equal((await remove(made.id)).status, 404);
});

Deno.test("user roles: A1: given until a time, they end at that moment, and can be given another", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const manager = await idOf(api, acme.tenantId, "manager");
  const at = (ms: number) => new Date(api.clock.now() + ms).toISOString();
  const ask = async () => (await api.request("/api/v1/users", as(bob))).status;
  assert.equal(await ask(), 403);
  const until = at(60_000);
  const given = await give(api, acme, bob.userId, { role_id: manager, expires_at: until });
  assert.deepEqual([given.status, given.body.expires_at, given.body.granted_by], [
    201,
    until,
    acme.userId,
  ]);
  assert.equal(await ask(), 200);
  api.clock.advance(59_999);
  assert.equal(await ask(), 200);
  api.clock.advance(1);
  assert.equal(await ask(), 403);
  const list = await api.request(`/api/v1/users/${bob.userId}/roles`, as(acme));
  assert.deepEqual(
    list.body.items.map((role: { name: string; active: boolean }) => [role.name, role.active]),
    [["user", true], ["manager", false]],
  );
  const paged = await pages(api, acme, `/api/v1/users/${bob.userId}/roles`, "limit=1");
  assert.deepEqual(paged.map((page) => page.map(({ name }) => name)), [["user"], ["manager"]]);
  await give(api, acme, bob.userId, { role_id: manager });
  assert.equal(await ask(), 200);
  for (const expires_at of [at(0), at(-1), "tomorrow", "+275760-01-01T00:00:00Z"]) {
    const reply = await give(api, acme, bob.userId, { role_id: manager, expires_at });
    assert.equal(reply.status, 422, expires_at);
  }
  const [last] = [
    await give(api, acme, acme.userId, {
      role_id: await idOf(api, acme.tenantId, "admin"),
      expires_at: at(60_000),
    }),
  ];
  assert.equal(last.body.code, "last_admin");
});

Deno.test("roles: nobody gets, gives or takes what he lacks, by whatever way", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  // May do everything with roles, and little else.
  await makeRole(api, acme, "keeper", ["roles.read", "roles.write", "users.write"]);
  const keeper = await userOf(api, acme, { email: "k@acme.example", role: "keeper" });
  const [own] = await api.db.owner`select id from roles where name = 'keeper'`;
  const audit = await makeRole(api, acme, "auditor", ["audit.read"]);
  const [admin, user] = [
    await idOf(api, acme.tenantId, "admin"),
    await idOf(api, acme.tenantId, "user"),
  ];
  const auditor = await userOf(api, acme, { email: "a@acme.example", role: "auditor" });
  const bob = await userOf(api, acme, { email: "b@acme.example" });
  const put = (permissions: string[]) => ({
    ...as(keeper, { method: "PUT" }),
    body: { name: "renamed", permissions },
  });
  const holding = (user: number) => `/api/v1/users/${user}/roles`;
  const gone = { ...as(keeper), method: "DELETE" };
  const attempts: [string, string, RequestOptions][] = [
    ["himself an admin", holding(keeper.userId), { ...as(keeper), body: { role_id: admin } }],
    ["a friend an admin", holding(bob.userId), { ...as(keeper), body: { role_id: admin } }],
    ["himself another's role", holding(keeper.userId), {
      ...as(keeper),
      body: { role_id: audit.id },
    }],
    ["a role that may more", roles, {
      ...as(keeper),
      body: { name: "mine", permissions: ["audit.read"] },
    }],
    ["his own role widened", `${roles}/${own?.id}`, put(["roles.write", "audit.read"])],
    ["another's role narrowed to his", `${roles}/${audit.id}`, put(["users.write"])],
    ["another's role emptied", `${roles}/${audit.id}`, put([])],
    ["another's role removed", `${roles}/${audit.id}`, gone],
    ["an admin's role taken", `${holding(acme.userId)}/${admin}`, gone],
    ["another's role taken", `${holding(auditor.userId)}/${audit.id}`, gone],
    ["a harmless role for his better", holding(acme.userId), {
      ...as(keeper),
      body: { role_id: user },
    }],
    ["a user who may more", "/api/v1/users", {
      ...as(keeper),
      body: { email: "x@acme.example", role: "admin" },
    }],
    ["an invitation to more", "/api/v1/users/invitations", {
      ...as(keeper),
      body: { email: "x@acme.example", role: "auditor", enrolment: false },
    }],
    ["his better deactivated", `/api/v1/users/${auditor.userId}/deactivate`, {
      ...as(keeper),
      method: "POST",
    }],
  ];
  for (const [about, path, options] of attempts) await assertBeyond(api, path, options, about);

  // An API key has no more than its scopes, whatever its maker holds.
  const { key } = (await api.request("/api/v1/api-keys", {
    ...as(acme),
    body: { name: "k", scopes: ["roles.write", "users.write"] },
  })).body;
  const headers = { "x-api-key": key };
  await assertBeyond(api, holding(bob.userId), { headers, body: { role_id: admin } }, "by a key");
  await assertBeyond(api, roles, {
    headers,
    body: { name: "mine", permissions: ["audit.read"] },
  }, "a role by a key");
  // What he holds he may pass on.
  assert.equal((await give(api, keeper, bob.userId, { role_id: own?.id })).status, 201);
});

Deno.test("roles: who has a permission until tomorrow gives it until tomorrow, to himself as well", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const admin = await idOf(api, acme.tenantId, "admin");
  const at = (ms: number) => new Date(api.clock.now() + ms).toISOString();
  await give(api, acme, bob.userId, { role_id: admin, expires_at: at(60_000) });
  const attempts: [string, string, unknown][] = [
    ["for good", `/api/v1/users/${bob.userId}/roles`, { role_id: admin }],
    ["a millisecond longer", `/api/v1/users/${bob.userId}/roles`, {
      role_id: admin,
      expires_at: at(60_001),
    }],
    ["as another user", "/api/v1/users", { email: "x@acme.example", role: "admin" }],
    ["as a role", roles, { name: "mine", permissions: ["audit.read"] }],
    ["by an invitation", "/api/v1/users/invitations", {
      email: "x@acme.example",
      role: "admin",
      enrolment: false,
    }],
  ];
  for (const [about, path, body] of attempts) {
    await assertBeyond(api, path, { ...as(bob), body }, about);
  }
  const passed = await userOf(api, acme, { email: "eve@acme.example" });
  const until = await give(api, bob, passed.userId, { role_id: admin, expires_at: at(60_000) });
  assert.equal(until.status, 201, until.text);
});

Deno.test("roles: who came to more in the meantime is decided over by nobody who has less, nor is a role that did", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await makeRole(api, acme, "desk", ["roles.read", "roles.write", "users.read"]);
  const desk = await idOf(api, acme.tenantId, "desk");
  const helper = await userOf(api, acme, { email: "h@acme.example", role: "desk" });
  const bob = await userOf(api, acme, { email: "b@acme.example", role: "desk" });
  const user = await idOf(api, acme.tenantId, "user");
  const role = (await makeRole(api, acme, "small", ["users.read"])).id;
  const admin = await idOf(api, acme.tenantId, "admin");
  const rolesOf = async () =>
    JSON.stringify(
      await api.db.owner`
      select user_id, role_id from user_roles order by 1, 2`,
    );

  /** What a request gets that comes while the user and the role are locked, and then are mightier. */
  const meanwhile = async (ask: () => ReturnType<TestApi["request"]>) => {
    let done = false;
    let reply: ReturnType<TestApi["request"]> | undefined;
    await api.db.owner.begin(async (sql) => {
      await sql`select from users where id = ${bob.userId} for no key update`;
      await sql`select from roles where id = ${role} for update`;
      await sql`
        insert into user_roles (tenant_id, user_id, role_id) values (${acme.tenantId}, ${bob.userId}, ${admin})
        on conflict do nothing`;
      await sql`
        insert into role_permissions (tenant_id, role_id, permission)
        values (${acme.tenantId}, ${role}, 'audit.read') on conflict do nothing`;
      reply = ask().finally(() => done = true);
      await until("it waits, or is done", async () => {
        const [row] = await api.db.superuser`
          select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return done || row !== undefined;
      });
    });
    const before = await rolesOf();
    const answer = await reply;
    assert.deepEqual([answer?.status, answer?.body.code], [403, "grant_exceeds_own"], answer?.text);
    assert.equal(await rolesOf(), before);
    await api.db.owner`delete from user_roles where user_id = ${bob.userId} and role_id = ${admin}`;
    await api.db
      .owner`delete from role_permissions where role_id = ${role} and permission = 'audit.read'`;
  };
  await meanwhile(() => give(api, helper, bob.userId, { role_id: user }));
  await meanwhile(() =>
    api.request(`/api/v1/users/${bob.userId}/roles/${desk}`, { ...as(helper), method: "DELETE" })
  );
  await meanwhile(() =>
    api.request(`${roles}/${role}`, {
      ...as(helper),
      method: "PUT",
      body: { name: "small", permissions: [] },
    })
  );
  await meanwhile(() => api.request(`${roles}/${role}`, { ...as(helper), method: "DELETE" }));
});
