import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";
import { attempt } from "./persona.ts";

Deno.test("session_rotate, session_proof: a session goes on exactly where no second factor is demanded, as mfa_required_of says it, or there is one", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const of = await seedTenant(db.owner, "alpha");
  const has = (role: string, more = "null") =>
    `insert into user_roles (tenant_id, user_id, role_id, granted_at, expires_at)
       select ${of.id}, ${of.userId}, id, now() - interval '1 hour', ${more} from roles where tenant_id = ${of.id} and name = '${role}';`;
  const ended = "now() - interval '1 second'";
  const demanding = "update roles set mfa_required = true where name = 'helpdesk';";
  const roles = [
    "",
    has("user"),
    has("admin"),
    has("admin", ended),
    has("admin", "now() + interval '1 hour'"),
    has("helpdesk"),
    demanding + has("helpdesk"),
    demanding + has("helpdesk", ended),
    // Another's role demands nothing of him.
    demanding + has("user"),
  ];
  const seen = new Map<string, number>();
  for (const factor of [true, false]) {
    for (const own of [true, false]) {
      for (const tenant of ["off", "admins", "all"]) {
        for (const role of roles) {
          const arrange = `delete from user_roles where user_id = ${of.userId}; ${role}
            update users set mfa_required = ${own} where id = ${of.userId};
            update tenants set mfa_required = '${tenant}' where id = ${of.id};
            ${factor ? "" : "delete from mfa_factors"}`;
          const { rows, refused } = await attempt(
            db,
            { role: "massacorp_api", tenant: of.id },
            `select mfa_required_of(${of.userId}, now()) as demanded,
              (select count(*)::integer from session_proof(${of.id}, '${of.sessionId}', ${of.userId}, now())) as proven,
              (select count(*)::integer from session_rotate(${of.id}, '${of.sessionId}', ${of.userId}, 0, now(), true, 60))
                as rotated`,
            () => Promise.resolve(),
            { arrange },
          );
          const [{ demanded, proven, rotated } = { demanded: null, proven: null, rotated: null }] =
            rows;
          const said = `${refused?.code} ${JSON.stringify({ factor, own, tenant, role })}`;
          assert.equal(rotated, demanded && !factor ? 0 : 1, said);
          assert.equal(proven, rotated, said);
          seen.set(`${demanded} ${rotated}`, (seen.get(`${demanded} ${rotated}`) ?? 0) + 1);
        }
      }
    }
  }
  assert.deepEqual([...seen.keys()].sort(), ["false 1", "true 0", "true 1"]);
});
