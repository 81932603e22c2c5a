import assert from "node:assert/strict";
import { seedInterface, seedTenant } from "../support/seed.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { attempt, attemptAll, insufficientPrivilege } from "./persona.ts";

Deno.test("roles: those of the system nest: user in manager in admin, and superadmin apart", async () => {
  await using db = await testDatabase();
  const rows = await db.owner<{ role: string; permission: string }[]>`
    select system_role as role, permission from system_role_permissions`;
  const of = (role: string) =>
    new Set(rows.filter((row) => row.role === role).map((row) => row.permission));
  assert.ok(of("user").isSubsetOf(of("manager")));
  assert.ok(of("manager").isSubsetOf(of("admin")));
  assert.ok(of("superadmin").size > 0 && of("admin").isDisjointFrom(of("superadmin")));
  const all = await db.owner<{ name: string }[]>`select name from permissions`;
  assert.deepEqual(of("admin").union(of("superadmin")), new Set(all.map((row) => row.name)));
});

Deno.test("roles: a tenant's role cannot reach beyond the tenant, and those of the system cannot be touched", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const { id } = await seedTenant(db.owner, "alpha");
  const as = { role: "massacorp_api" as const, tenant: id };
  const run = (statement: string) => attempt(db, as, statement, () => Promise.resolve());
  const reach = await run(
    `insert into role_permissions (tenant_id, role_id, permission)
      select tenant_id, id, 'platform.tenants' from roles where name = 'helpdesk'`,
  );
  assert.equal(reach.refused?.constraint, "role_permissions_are_of_a_tenant");
  for (
    const statement of [
      "update roles set about = 'x' where system is not null",
      "delete from roles where system is not null and name <> 'user'",
    ]
  ) {
    const done = await run(statement);
    assert.deepEqual([done.refused, done.count], [undefined, 0], statement);
  }
  const [superadmin] = await db.owner`
    select from roles where tenant_id = ${id} and system = 'superadmin'`;
  assert.equal(superadmin, undefined);
});

Deno.test("permissions_of: what a role permits ends with the assignment, at the moment it ends", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const { id, userId } = await seedTenant(db.owner, "alpha");
  await db.owner`
    insert into user_roles (tenant_id, user_id, role_id, granted_at, expires_at)
      select tenant_id, ${userId}, id, '2026-01-01', '2026-02-01' from roles
      where tenant_id = ${id} and name = 'helpdesk'`;
  const at = (time: string) =>
    attempt(
      db,
      { role: "massacorp_api", tenant: id },
      `select permissions_of(${userId}, '${time}') as p`,
      () => Promise.resolve(),
    );
  assert.deepEqual((await at("2026-01-31 23:59:59")).rows[0]?.p, ["users.read"]);
  assert.deepEqual((await at("2026-02-01")).rows[0]?.p, []);
});

/** Roles whose own list differs from what the tables say of them. */
const untrue = async (db: TestDatabase) => [
  ...await db.owner<{ name: string; permissions: string[] }[]>`
    select r.name, r.permissions from roles r
    where r.permissions <> array(
      select s.permission from system_role_permissions s where s.system_role = r.system
      union
      select p.permission from role_permissions p
        where r.system is null and p.tenant_id = r.tenant_id and p.role_id = r.id
      order by 1
    )`,
];

Deno.test("roles.permissions: A1: says what the tables say in the transaction that changes them, whoever writes what", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const [{ id }, other] = [await seedTenant(db.owner, "alpha"), await seedTenant(db.owner, "beta")];
  const helpdesk = async (tenant: number) => {
    const [row] = await db.owner<{ permissions: string[] }[]>`
      select permissions from roles where tenant_id = ${tenant} and name = 'helpdesk'`;
    return row?.permissions;
  };
  assert.deepEqual([await helpdesk(id), await untrue(db)], [["users.read"], []]);
  // As the API does: entries come and go. Whoever looks in the same transaction sees it.
  const inside = await attemptAll(db, { role: "massacorp_api", tenant: id }, [
    `insert into role_permissions (tenant_id, role_id, permission)
      select tenant_id, id, p from roles, unnest(array['tenant.read', 'audit.read']) p where name = 'helpdesk'`,
    "delete from role_permissions where permission = 'users.read'",
  ], (sql) => sql`select permissions from roles where tenant_id = ${id} and name = 'helpdesk'`);
  assert.deepEqual(inside.outcomes.map(({ refused, count }) => [refused, count]), [
    [undefined, 2],
    [undefined, 1],
  ]);
  assert.deepEqual(inside.after[0]?.permissions, ["audit.read", "tenant.read"]);
  // The API may not write it, and what its owner writes to it is what the tables say.
  const forged = await attempt(
    db,
    { role: "massacorp_api", tenant: id },
    "update roles set permissions = array['platform.tenants'] where system is null",
    () => Promise.resolve(),
  );
  assert.equal(forged.refused?.code, insufficientPrivilege);
  await db.owner`update roles set permissions = array['platform.tenants']`;
  assert.deepEqual(await untrue(db), []);
  // Fifty at once: each sees what was committed before it.
  const names = ["tenant.read", "tenant.write", "audit.read", "audit.export", "roles.read"];
  await Promise.all(Array.from({ length: 50 }, async (_, n) => {
    const [name, tenant] = [names[n % names.length] ?? "", n % 7 ? id : other.id];
    const role = db.owner`select id from roles where tenant_id = ${tenant} and name = 'helpdesk'`;
    await (n % 2
      ? db.owner`delete from role_permissions where permission = ${name} and role_id = (${role})`
      : db.owner`
        insert into role_permissions (tenant_id, role_id, permission) values (${tenant}, (${role}), ${name})
        on conflict do nothing`);
  }));
  assert.deepEqual(await untrue(db), []);
  // One that moves, one that is no permission any more, and a change of what comes with every tenant.
  await db.owner`
    update role_permissions set permission = 'roles.write' where tenant_id = ${id} and permission = (
      select min(permission) from role_permissions where tenant_id = ${id})`;
  assert.deepEqual(await untrue(db), []);
  assert.ok((await helpdesk(id))?.includes("roles.write"));
  await db
    .owner`delete from system_role_permissions where system_role = 'admin' and permission = 'audit.read'`;
  await db.owner`delete from permissions where name = 'roles.write'`;
  assert.deepEqual(await untrue(db), []);
  assert.ok(!(await helpdesk(id))?.includes("roles.write"));
});

Deno.test("tenants_keep_an_admin: fifty ways out at once leave one admin", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const { id } = await seedTenant(db.owner, "alpha");
  const admins = await db.owner<{ id: number }[]>`
    insert into users (tenant_id, email, password_hash)
      select ${id}, 'admin' || n || '@alpha.example', '$argon2id$x' from generate_series(1, 50) n returning id`;
  await db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
      select ${id}, u.id, r.id from users u, roles r
      where u.tenant_id = ${id} and u.email like 'admin%' and r.tenant_id = ${id} and r.name = 'admin'`;
  const ways = [
    (user: number) => db.owner`delete from users where tenant_id = ${id} and id = ${user}`,
    (user: number) =>
      db.owner`update users set status = 'inactive' where tenant_id = ${id} and id = ${user}`,
    (user: number) =>
      db.owner`delete from user_roles where tenant_id = ${id} and user_id = ${user}`,
    (user: number) =>
      db.owner`
        update user_roles set expires_at = now() + interval '1 day'
        where tenant_id = ${id} and user_id = ${user}`,
  ];
  const done = await Promise.allSettled(
    admins.map((admin, index) => ways[index % ways.length]?.(admin.id)),
  );
  const refused = done.filter((outcome) => outcome.status === "rejected");
  assert.deepEqual(refused.map((outcome) => outcome.reason.constraint_name), [
    "tenants_keep_an_admin",
  ]);
  const [left] = await db.owner`
    select count(*)::integer as n from user_roles h
    join users u on u.tenant_id = h.tenant_id and u.id = h.user_id and u.status = 'active'
    join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id and r.system = 'admin'
    where h.tenant_id = ${id} and h.expires_at is null`;
  assert.equal(left?.n, 1);
  // Another role of his may still go.
  const [last] = await db.owner`
    select user_id from user_roles h where h.tenant_id = ${id} and h.expires_at is null and h.role_id in (
      select id from roles where system = 'admin')`;
  await db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
      select ${id}, ${
    last?.user_id ?? 0
  }, r.id from roles r where r.tenant_id = ${id} and r.name = 'user'`;
  const gone = await db.owner`
    delete from user_roles where tenant_id = ${id} and user_id = ${last?.user_id ?? 0}
      and role_id in (select id from roles where name = 'user')`;
  assert.equal(gone.count, 1);
});

Deno.test("tenants_keep_an_admin: of the last two that leave at once the second waits, and stays", async () => {
  await using db = await testDatabase();
  const [tenant] = await db.owner<[{ id: number }]>`
    insert into tenants (slug, name) values ('two', 'Two') returning id`;
  const users = await db.owner<{ id: number }[]>`
    insert into users (tenant_id, email, password_hash)
    select ${tenant.id}, n || '@two.example', '$argon2id$x' from generate_series(1, 2) n returning id`;
  await db.owner`
    insert into user_roles (tenant_id, user_id, role_id)
    select u.tenant_id, u.id, r.id from users u join roles r on r.tenant_id = u.tenant_id and r.system = 'admin'
    where u.tenant_id = ${tenant.id}`;
  const leaves = ({ id }: { id: number }) =>
    `update users set status = 'inactive' where id = ${id}`;
  const [first, second] = users;
  assert.ok(first && second);
  const other = await db.owner.reserve();
  let done = false;
  let late: Promise<unknown> | undefined;
  await db.superuser.begin(async (sql) => {
    await sql.unsafe(leaves(first));
    late = other.unsafe(leaves(second)).then(() => "left", (error) => error.constraint_name)
      .finally(() => done = true);
    await until("it waits, or is done", async () => {
      const [row] = await sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return done || row !== undefined;
    });
  });
  const said = await late;
  other.release();
  assert.equal(said, "tenants_keep_an_admin");
});

Deno.test("user_roles: as many users as are given a role in one transaction hold one lock a tenant", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const { id } = await seedTenant(db.owner, "alpha");
  const locks = await db.owner.begin(async (sql) => {
    await sql`
      insert into users (tenant_id, email, password_hash)
      select ${id}, 'user' || n || '@alpha.example', '$argon2id$x' from generate_series(1, 100) n`;
    await sql`
      insert into user_roles (tenant_id, user_id, role_id)
      select u.tenant_id, u.id, r.id from users u join roles r on r.tenant_id = u.tenant_id and r.name = 'user'
      where u.email like 'user%'`;
    return await sql`
      select classid::integer, objid::integer from pg_locks
      where locktype = 'advisory' and pid = pg_backend_pid()`;
  });
  assert.deepEqual(locks.map((lock) => ({ ...lock })), [{ classid: 4, objid: id }]);
});
