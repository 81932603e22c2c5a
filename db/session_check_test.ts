import assert from "node:assert/strict";
import { adminOf, as, loopback, peerOf, testApi } from "../tests/support/api.ts";
import { type TestDatabase, testDatabase } from "../tests/support/database.ts";
import { waitingMails } from "../tests/support/mails.ts";
import { checkpointFolder, testSealer } from "../tests/support/sealer.ts";
import { until } from "../tests/support/until.ts";
import { createLogger } from "../lib/log.ts";
import { Secret } from "../lib/secret.ts";
import { openDatabase } from "../wgd/database.ts";
import { connect } from "./connection.ts";
import { migrate, MigrationError } from "./migrate.ts";
import { loginRoles } from "./roles.ts";
import { whySessionUnfit } from "./session_check.ts";

/** What is set for everybody in a database, and the product works as ever. */
const elsewhere = {
  bytea_output: "escape",
  array_nulls: "off",
  default_transaction_isolation: "serializable",
  row_security: "off",
  search_path: "elsewhere, public",
  idle_session_timeout: "7min",
  statement_timeout: "7min",
  lock_timeout: "7min",
  idle_in_transaction_session_timeout: "7min",
  datestyle: "German",
  intervalstyle: "sql_standard",
  timezone: "Asia/Kathmandu",
  standard_conforming_strings: "off",
  backslash_quote: "off",
  extra_float_digits: "-15",
  default_transaction_deferrable: "on",
  transform_null_equals: "on",
  quote_all_identifiers: "on",
  plan_cache_mode: "force_generic_plan",
  client_min_messages: "debug1",
  xmloption: "document",
};

/** What only whoever runs the server can mend: a setting, and what is asked for. */
const refused: [string, string, string][] = [
  ["synchronous_commit", "off", "on"],
  ["session_replication_role", "replica", "origin"],
  ["app.tenant_id", "1", ""],
];

const setForAll = (db: TestDatabase, name: string, value: string) =>
  db.superuser.unsafe(
    `alter database ${db.name} set ${name} = ${name === "search_path" ? value : `'${value}'`}`,
  );

Deno.test("roles.sql: what is set for everybody in a database leaves the product's sessions as they have to be", async () => {
  await using db = await testDatabase();
  for (const [name, value] of Object.entries(elsewhere)) await setForAll(db, name, value);
  // Before `public` by a search path of everybody's, and by the one that a server comes with.
  for (const schema of ["elsewhere", "massacorp_api"]) {
    await db.superuser.unsafe(`
      create schema ${schema};
      create function ${schema}.lookup_tenant(slug text) returns table (id integer, status text)
        language sql as $$select 1, 'active'$$;
      create view ${schema}.users as select * from public.users;
      create view ${schema}.permissions as select * from public.permissions where false;
      grant usage on schema ${schema} to public;
      grant all on all tables in schema ${schema} to public;`);
  }
  for (const role of loginRoles) {
    const sql = connect(db.url(role), { max: 1, applicationName: "test" });
    try {
      assert.equal(await whySessionUnfit(sql), undefined, role);
      const [row] = await sql<[{ timeout: string; zone: string; strings: string }]>`
        select current_setting('idle_session_timeout') as timeout, current_setting('timezone') as zone,
          current_setting('standard_conforming_strings') as strings`;
      assert.deepEqual({ ...row }, { timeout: "0", zone: "UTC", strings: "on" }, role);
      const bounds = await sql`
        select name from pg_settings where name like '%timeout' and source = 'database'`;
      assert.deepEqual(bounds.map(({ name }) => name), [], role);
    } finally {
      await sql.end();
    }
  }
  await using api = await testApi({ db });
  await api.rolesAreSafe();
  const admin = await adminOf(api, "acme");
  const key = await api.request(
    "/api/v1/api-keys",
    as(admin, {
      body: { name: "ci", scopes: ["users.read"] },
    }),
  );
  assert.equal(key.status, 201, key.text);
  // A key's digest and a mail's letter are bytes.
  const listed = await api.request("/api/v1/users", {
    via: loopback,
    headers: { "X-API-Key": key.body.key },
  });
  assert.equal(listed.status, 200, listed.text);
  await api.request(
    "/api/v1/users/invitations",
    as(admin, { body: { email: "ada@acme.example" } }),
  );
  assert.equal((await waitingMails(api)).at(-1)?.template, "invitation");
  // Those who wait for the lowest address see who took it meanwhile.
  await Promise.all(Array.from({ length: 8 }, () => peerOf(api, admin)));
  await using folder = await checkpointFolder();
  await using sealer = await testSealer(db, folder.path);
  await sealer.seal();
  assert(sealer.sealer.state.sealedTotal > 8);
});

for (const [name, value, wanted] of refused) {
  Deno.test(`whySessionUnfit: ${name} = '${value}' is refused by each process, with what mends it`, async () => {
    await using db = await testDatabase();
    await setForAll(db, name, value);
    const said = (role: string) =>
      `the sessions of ${role} have ${name} = '${value}'. As a superuser: ` +
      `alter role ${role} in database "${db.name}" set ${name} = '${wanted}';`;

    await assert.rejects(migrate(db.owner), new MigrationError(said("massacorp_owner")));
    {
      await using api = await testApi({ db, gateway: false });
      await assert.rejects(api.rolesAreSafe(), {
        name: "UnsafeRoleError",
        message: said("massacorp_api"),
      });
      assert.equal((await api.request("/api/v1/tenants")).status, 500);
    }
    {
      await using folder = await checkpointFolder();
      await using sealer = await testSealer(db, folder.path);
      await assert.rejects(sealer.sealer.round(), { message: said("massacorp_sealer") });
    }
    const lines: string[] = [];
    const open = () => connect(db.url("massacorp_wgd"), { max: 1, applicationName: "test" });
    const database = openDatabase({
      open,
      openListener: open,
      channel: "wg_desired",
      onNotify: () => {},
      onReady: () => {},
      log: createLogger({ level: "info", write: (line) => lines.push(line) }),
    });
    try {
      await database.attempted;
      assert.equal(database.state, "disconnected");
      assert.deepEqual(lines.map((line) => JSON.parse(line).error), [said("massacorp_wgd")]);
      await db.superuser.unsafe(
        said("massacorp_wgd").slice(said("massacorp_wgd").indexOf("alter")),
      );
      await until("it works once it is mended", () => database.state === "connected");
    } finally {
      await database.close();
    }
  });
}

Deno.test("migrate: a database of another encoding is refused", async () => {
  await using db = await testDatabase();
  const name = `${db.name}_latin1`;
  await db.superuser.unsafe(
    `create database ${name} template template0 owner massacorp_owner encoding 'LATIN1' locale 'C'`,
  );
  const url = db.url("massacorp_owner").reveal().replace(`/${db.name}?`, `/${name}?`);
  const owner = connect(new Secret(url), { max: 1, applicationName: "test" });
  try {
    await assert.rejects(migrate(owner), {
      name: "MigrationError",
      message: /encoding LATIN1.*UTF8/,
    });
    assert.deepEqual([...await owner`select from pg_tables where schemaname = 'public'`], []);
  } finally {
    await owner.end();
    await db.superuser.unsafe(`drop database ${name} with (force)`);
  }
});
