import assert from "node:assert/strict";
import { adminOf, testApi, userOf } from "../../../tests/support/api.ts";
import { checkPermissions, PermissionMismatchError, permissions } from "../../auth/permissions.ts";
import { createPool } from "../../database/pool.ts";

Deno.test("roles: nobody makes a user who may do more than he", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
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

Deno.test("checkPermissions: code and table are the same, and the API refuses where they differ", async () => {
  await using api = await testApi();
  const pool = createPool(api.db.url("massacorp_api"), {
    applicationName: "test",
    size: 1,
    overflow: 0,
    timeoutMs: 2000,
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
