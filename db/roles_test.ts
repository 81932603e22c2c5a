import assert from "node:assert/strict";
import { startTestCluster, testPassword } from "../tests/support/cluster.ts";
import { Secret } from "../lib/secret.ts";
import { connect } from "./connection.ts";
import { migrate } from "./migrate.ts";
import { bootstrap, databaseUrl, loginRoles } from "./roles.ts";

Deno.test("bootstrap: an admin who is no superuser makes everything, and no password reaches the server's log", async () => {
  const lines: string[] = [];
  await using undo = new AsyncDisposableStack();
  const cluster = await startTestCluster({ inMemory: true, onLine: (line) => lines.push(line) });
  undo.defer(() => cluster.stop());
  const urlOf = (role: string, database = "postgres", password = testPassword) =>
    databaseUrl({ role, password, socketFolder: cluster.socketFolder, database });
  const superuser = connect(urlOf("postgres"), { max: 1, applicationName: "test" });
  undo.defer(() => superuser.end());
  // What a managed server gives, one that still hashes by MD5 and logs what it is told.
  await superuser.unsafe(
    `create role admin login password '${testPassword.reveal()}' createrole createdb bypassrls`,
  );
  for (const setting of ["password_encryption = 'md5'", "log_statement = 'all'"]) {
    await superuser.unsafe(`alter system set ${setting}`);
  }
  await superuser`select pg_reload_conf()`;

  const password = new Secret("Marmalade-of-quinces-4711");
  const passwords = {
    massacorp_owner: password,
    massacorp_api: password,
    massacorp_platform: password,
    massacorp_wgd: password,
    massacorp_sealer: password,
  };
  for (const _ of ["made", "there already"]) {
    await bootstrap(urlOf("admin"), passwords, "managed");
  }
  const owner = connect(urlOf("massacorp_owner", "managed", password), {
    max: 1,
    applicationName: "test",
  });
  undo.defer(() => owner.end());
  assert.notDeepEqual(await migrate(owner), []);

  const roles = await superuser<{ name: string; secret: string }[]>`
    select rolname as name, rolpassword as secret from pg_authid
    where rolname ~ '^massacorp_' and rolpassword is not null`;
  assert.deepEqual(roles.map(({ name }) => name).toSorted(), loginRoles.toSorted());
  for (const { name, secret } of roles) assert.match(secret, /^SCRAM-SHA-256\$/, name);
  const unsafe = await superuser`
    select from pg_roles where rolname ~ '^massacorp_' and
      (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolinherit
      or rolbypassrls <> (rolname = 'massacorp_owner') or rolcanlogin = (rolname = 'massacorp_lookup'))`;
  assert.equal(unsafe.length, 0);

  // The statements themselves are there.
  const log = lines.join("\n");
  assert.match(log, /alter role massacorp_api password 'SCRAM-SHA-256\$/);
  assert.equal(log.includes(password.reveal()), false);

  // A superuser takes back what somebody gave since.
  await superuser`alter role massacorp_api superuser createdb inherit`;
  await bootstrap(urlOf("postgres"), passwords, "managed");
  const [api] = await superuser`
    select rolsuper, rolcreatedb, rolinherit from pg_roles where rolname = 'massacorp_api'`;
  assert.deepEqual({ ...api }, { rolsuper: false, rolcreatedb: false, rolinherit: false });
});
