import assert from "node:assert/strict";
import { adminOf, testApi, userOf } from "../../../tests/support/api.ts";
import { checkPermissions, PermissionMismatchError, permissions } from "../../auth/permissions.ts";
import { createPool } from "../../database/pool.ts";

Deno.test("roles: nobody makes a user who may do more than he", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const stray = await api.request("/api/v1/permissions?cursor=x", { token: acme.token });
  assert.equal(stray.status, 422, stray.text);
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  for (const role of ["admin", "superadmin", "nobody-has-it"]) {
    const reply = await api.request("/api/v1/users", {
      token: manager.token,
      body: { email: "x@acme.example", role },
    });
    const expected = role === "admin" ? [403, "grant_exceeds_own"] : [422, "invalid_input"];
    assert.deepEqual([reply.status, reply.body.code], expected, role);
  }
  const [row] = await api.db.owner`
    select count(*)::integer as n from users where email = 'x@acme.example'`;
  assert.equal(row?.n, 0);
  const equal = await api.request("/api/v1/users", {
    token: manager.token,
    body: { email: "y@acme.example", role: "manager" },
  });
  assert.equal(equal.status, 201, equal.text);
});

Deno.test("A1: a role that is taken away, or ends, permits nothing from that moment", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const colleague = await userOf(api, acme, { email: "c@acme.example", role: "manager" });
  const ask = async () =>
    (await api.request("/api/v1/wireguard/peers", { token: colleague.token })).status;
  assert.equal(await ask(), 200);
  const end = new Date(api.clock.now() + 1000);
  await api.db.owner`
    update user_roles set granted_at = ${new Date(0)}, expires_at = ${end}
    where user_id = ${colleague.userId}`;
  assert.equal(await ask(), 200);
  api.clock.advance(1000);
  assert.equal(await ask(), 403);
});

Deno.test("roles: who has a role narrows it himself", async () => {
  await using api = await testApi({ gateway: false });
  const owner = await adminOf(api, "acme");
  const role = { name: "own", permissions: ["roles.read", "roles.write", "users.read"] };
  const made = await api.request("/api/v1/roles", { token: owner.token, body: role });
  const ada = await userOf(api, owner, { email: "ada@acme.example" });
  const given = await api.request(`/api/v1/users/${ada.userId}/roles`, {
    token: owner.token,
    body: { role_id: made.body.id },
  });
  assert.equal(given.status, 201, given.text);
  const narrowed = await api.request(`/api/v1/roles/${made.body.id}`, {
    method: "PUT",
    token: ada.token,
    body: { ...role, permissions: ["roles.read", "roles.write"] },
  });
  assert.equal(narrowed.status, 200, narrowed.text);
});

Deno.test("checkPermissions: code and table are the same, and the API refuses where they differ", async () => {
  await using api = await testApi();
  const pool = createPool(api.db.url("massacorp_api"), {
    applicationName: "test",
    size: 1,
    overflow: 0,
    timeoutMs: 60_000,
    recycleSeconds: 60,
  });
  try {
    await checkPermissions(pool);
    assert.ok(permissions.length > 0);
    await api.db.owner`insert into permissions (name, about) values ('moon.write', 'x')`;
    await assert.rejects(checkPermissions(pool), PermissionMismatchError);
    await assert.rejects(api.rolesAreSafe(), PermissionMismatchError);
    await api.db.owner`delete from permissions where name in ('moon.write', 'users.read')`;
    await assert.rejects(checkPermissions(pool), /users\.read is not in the table/);
  } finally {
    await pool.end();
  }
});

Deno.test("roles: a tenant makes at most 100 and a user has at most 20, of many asked for at once too; what is beyond already stays", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const create = (name: string) =>
    api.request("/api/v1/roles", { token: acme.token, body: { name, permissions: [] } });
  const give = (roleId: number) =>
    api.request(`/api/v1/users/${bob.userId}/roles`, {
      token: acme.token,
      body: { role_id: roleId },
    });
  const codes = (replies: { status: number; body: { code?: string } }[]) =>
    replies.map(({ status, body }) => body.code ?? status).toSorted();
  const rows = async (table: "roles" | "user_roles") => {
    const [row] = table === "roles"
      ? await api.db.owner`
        select count(*)::integer as n from roles where tenant_id = ${acme.tenantId} and system is null`
      : await api.db.owner`
        select count(*)::integer as n from user_roles where user_id = ${bob.userId}`;
    return row?.n;
  };

  await api.db.owner`
    insert into roles (tenant_id, name) select ${acme.tenantId}, 'r' || n from generate_series(1, 97) n`;
  const made = await Promise.all(["a", "b", "c", "d", "e", "f"].map(create));
  const refused = ["too_many_roles", "too_many_roles", "too_many_roles"];
  assert.deepEqual(codes(made), [201, 201, 201, ...refused]);
  assert.equal(await rows("roles"), 100);
  assert.equal(made.find((reply) => reply.status === 409)?.body.status, 409);

  const ids = await api.db.owner<{ id: number }[]>`
    select id from roles where tenant_id = ${acme.tenantId} and system is null order by id`;
  await api.db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
      select ${acme.tenantId}, ${bob.userId}, id from roles
      where tenant_id = ${acme.tenantId} and system is null order by id limit 16`;
  const given = await Promise.all(ids.slice(16, 22).map(({ id }) => give(id)));
  assert.deepEqual(codes(given), [201, 201, 201, ...refused]);
  assert.equal(await rows("user_roles"), 20);
  const [first] = ids;
  assert.ok(first);
  assert.equal((await give(first.id)).status, 201, "what he has is given again");
  const path = `/api/v1/users/${bob.userId}/roles/${first.id}`;
  assert.equal((await api.request(path, { token: acme.token, method: "DELETE" })).status, 200);
  assert.equal((await give(first.id)).status, 201, "its place is free");

  // As a database of before may have them.
  await api.db.owner`alter table user_roles disable trigger user_roles_hold_to_their_number`;
  await api.db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
      select ${acme.tenantId}, ${bob.userId}, id from roles
      where tenant_id = ${acme.tenantId} and system is null on conflict do nothing`;
  await api.db.owner`alter table user_roles enable trigger user_roles_hold_to_their_number`;
  assert.equal((await give(first.id)).status, 201);
  assert.equal((await api.request("/api/v1/auth/me", { token: bob.token })).status, 200);
  assert.equal((await api.request(path, { token: acme.token, method: "DELETE" })).status, 200);
  assert.equal((await give(first.id)).body.code, "too_many_roles");
});
