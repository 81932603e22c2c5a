import assert from "node:assert/strict";
import { migrate } from "../../db/migrate.ts";
import { testApi } from "../../tests/support/api.ts";

Deno.test("rolesAreSafe: a schema that lacks the newest migration is refused, and one for newer code; one that was only added to is not", async () => {
  await using api = await testApi();
  await api.rolesAreSafe();
  const say = (text: string) => api.db.owner.unsafe(`comment on schema public is '${text}'`);
  await say("MassaCorp''s, up to 0001_tenancy");
  await assert.rejects(api.rolesAreSafe(), {
    name: "SchemaMismatchError",
    message: /^the database's schema ends with 0001_tenancy, and this version needs .*: migrate/,
  });
  await say("MassaCorp''s, up to 9999_later; for code that has 9998_contracted");
  await assert.rejects(api.rolesAreSafe(), {
    name: "SchemaMismatchError",
    message: /is for code that has 9998_contracted/,
  });
  await say("MassaCorp''s, up to 9999_later");
  await api.rolesAreSafe();
  await migrate(api.db.owner);
  await api.rolesAreSafe();
});
