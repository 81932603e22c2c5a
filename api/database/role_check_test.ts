import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { databaseUrl } from "../../db/roles.ts";
import { Secret } from "../../lib/secret.ts";
import { type TestDatabase, testDatabase } from "../../tests/support/database.ts";
import { createPool } from "./pool.ts";
import { createRoleGate, refuseUnsafeRole, UnsafeRoleError } from "./role_check.ts";

async function check(url: Secret<string>): Promise<void> {
  const pool = createPool(url, {
    applicationName: "role-test",
    size: 1,
    overflow: 0,
    timeoutMs: 60_000,
    recycleSeconds: 3600,
  });
  try {
    await refuseUnsafeRole(pool);
  } finally {
    await pool.end();
  }
}

/** A role of this test alone, because roles are shared by all databases of the cluster. */
async function withRole(
  db: TestDatabase,
  attributes: string,
  work: (role: string, url: Secret<string>) => Promise<void>,
): Promise<void> {
  const role = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const sql = connect(db.url("postgres"), {
    max: 1,
    applicationName: "role-test",
    connectTimeout: 60,
  });
  const folder = new URL(db.url("postgres").reveal()).searchParams.get("host") ?? "";
  await sql.unsafe(`create role ${role} login password 'role-test' ${attributes}`);
  try {
    await work(
      role,
      databaseUrl({
        role,
        password: new Secret("role-test"),
        socketFolder: folder,
        database: db.name,
      }),
    );
  } finally {
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    await sql.end({ timeout: 5 });
  }
}

Deno.test("N1: refuseUnsafeRole accepts the API's two roles", async () => {
  await using db = await testDatabase();
  await check(db.url("massacorp_api"));
  await check(db.url("massacorp_platform"));
});

Deno.test("N1: refuseUnsafeRole refuses a superuser", async () => {
  await using db = await testDatabase();
  await assert.rejects(check(db.url("postgres")), /is a superuser/);
});

Deno.test("N1: refuseUnsafeRole refuses BYPASSRLS and table owners", async () => {
  await using db = await testDatabase();
  await assert.rejects(check(db.url("massacorp_owner")), /has BYPASSRLS, owns tables/);
  await withRole(db, "bypassrls", async (_, url) => {
    await assert.rejects(check(url), /has BYPASSRLS:/);
  });
  await withRole(db, "nobypassrls", async (role, url) => {
    await check(url);
    await db.superuser.unsafe(
      `create table public.mine (); alter table public.mine owner to ${role}`,
    );
    await assert.rejects(check(url), /owns tables:/);
    await db.superuser.unsafe("drop table public.mine");
  });
});

Deno.test("N1: refuseUnsafeRole refuses a role that may become an unsafe one", async () => {
  await using db = await testDatabase();
  await withRole(db, "noinherit", async (role, url) => {
    await db.superuser.unsafe(`grant massacorp_owner to ${role}`);
    await assert.rejects(check(url), /has BYPASSRLS, owns tables/);
  });
});

Deno.test("N1: createRoleGate lets no statement through for an unsafe role, at any attempt", async () => {
  await using db = await testDatabase();
  const pool = createRoleGate(createPool(db.url("massacorp_owner"), {
    applicationName: "role-test",
    size: 1,
    overflow: 0,
    timeoutMs: 60_000,
    recycleSeconds: 3600,
  }));
  let reached = false;
  for (let attempt = 0; attempt < 2; attempt++) {
    const work = pool.use(() => {
      reached = true;
      return Promise.resolve();
    });
    await assert.rejects(work, UnsafeRoleError);
  }
  assert.equal(reached, false);
  await pool.end();
});
