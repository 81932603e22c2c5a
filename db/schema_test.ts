import assert from "node:assert/strict";
import { testDatabase } from "../tests/support/database.ts";
import { emptyDatabase } from "../tests/support/empty_database.ts";
import { renderSchema, SchemaError } from "./schema.ts";
import { diffLines } from "./schema_diff.ts";
import { schemaFile } from "./schema_task.ts";

Deno.test("db/schema.sql: it is what the migrations make", async () => {
  await using db = await testDatabase();
  const differences = diffLines(await Deno.readTextFile(schemaFile), await renderSchema(db.owner));
  assert.equal(differences.join("\n"), "", "run `deno task db:schema`");
});

Deno.test("db/schema.sql: an edit by hand is noticed", async () => {
  await using db = await testDatabase();
  const rendered = await renderSchema(db.owner);
  const edited = rendered.replace("alter table users force row level security;\n", "");
  assert.deepEqual(diffLines(edited, rendered), [
    "@ alter table users enable row level security;",
    "+ alter table users force row level security;",
  ]);
});

Deno.test("db/schema.sql: it loads, and makes the same schema again", async () => {
  await using db = await emptyDatabase();
  const text = await Deno.readTextFile(schemaFile);
  const superuser = db.open("postgres");
  await superuser.unsafe(text);
  assert.equal(diffLines(text, await renderSchema(superuser)).join("\n"), "");
});

Deno.test("renderSchema: every kind of change made by hand shows", async () => {
  await using db = await testDatabase();
  const before = await renderSchema(db.owner);
  const changes = [
    "alter table users add column extra text",
    "alter table users alter column name drop not null",
    "alter table users alter column name set default 'x'",
    "alter table users alter column name type varchar(200)",
    "alter table users drop constraint users_status_is_known",
    "alter table sessions drop constraint sessions_user_exists, add constraint sessions_user_exists foreign key (tenant_id, user_id) references users (tenant_id, id)",
    "create index extra on users (name)",
    "drop trigger users_touch on users",
    "alter table users disable trigger users_touch",
    "alter table users no force row level security",
    "alter policy users_api on users using (true)",
    "alter policy users_wgd on users to public",
    "grant delete on tenants to massacorp_api",
    "grant select (email) on users to massacorp_wgd",
    "revoke select on users from massacorp_platform",
    "grant execute on function wg_notify_all() to public",
    "alter function lookup_tenant(text) security invoker",
    "alter function lookup_tenant(text) reset search_path",
    "alter function lookup_tenant(text) owner to massacorp_owner",
    "alter table users owner to massacorp_api",
    "create or replace function touch_updated_at() returns trigger language plpgsql set search_path = pg_catalog as $$ begin return new; end $$",
    "alter sequence wg_peer_generation cache 10",
    "grant create on schema public to public",
    "alter default privileges for role massacorp_owner grant execute on functions to public",
    "alter default privileges for role massacorp_owner in schema public grant select on tables to public",
    "comment on column users.email is 'changed'",
  ];
  for (const change of changes) {
    const connection = await db.superuser.reserve();
    try {
      await connection`begin`;
      await connection.unsafe(change);
      assert.notEqual(diffLines(before, await renderSchema(connection)).length, 0, change);
    } finally {
      await connection`rollback`;
      connection.release();
    }
  }
  assert.equal(await renderSchema(db.owner), before);
});

Deno.test("renderSchema: what it cannot render is an error", async () => {
  await using db = await testDatabase();
  for (
    const object of ["create view v as select 1", "create type t as enum ('x')", "create schema s"]
  ) {
    const connection = await db.superuser.reserve();
    await connection`begin`;
    await connection.unsafe(object);
    await assert.rejects(renderSchema(connection), SchemaError, object);
    await connection`rollback`;
    connection.release();
  }
});

Deno.test("diffLines: names the lines that differ and the statement they belong to", () => {
  const before = "create table a (\n  x\n  y\n);\ncreate table b (\n  z\n);";
  const after = "create table a (\n  x\n);\ncreate table b (\n  z\n  w\n);";
  assert.deepEqual(diffLines(before, after), [
    "@ create table a (",
    "-   y",
    "@ create table b (",
    "+   w",
  ]);
  assert.deepEqual(diffLines(after, after), []);
});
