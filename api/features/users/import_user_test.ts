import assert from "node:assert/strict";
import { hashSync } from "bcryptjs";
import { adminOf, loopback, testApi } from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

Deno.test("import user: the operator takes a bcrypt hash over, and the first log-in replaces it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const password = "a password of other days";
  const password_hash = hashSync(password, 10).replace("$2b$", "$2a$");
  const body = { email: "Imported@acme.example", name: "Ida", password_hash };
  const path = "/api/v1/users/import";
  const before = await databaseDigest(api.db);
  const refused = await api.request(path, { via: loopback, token: acme.token, body });
  assert.equal(refused.body.code, "forbidden", "an admin of a tenant is no operator");
  for (const bad of [hashSync("x", 4), password_hash + "x", "$argon2id$v=19$m=9,t=1,p=1$x$y", ""]) {
    const reply = await api.request(path, {
      tenant: "acme",
      body: { ...body, password_hash: bad },
    });
    assert.equal(reply.body.errors?.[0].path, "password_hash", reply.text);
  }
  assert.equal((await api.request(path, { body })).body.code, "tenant_required");
  assert.deepEqual(await databaseDigest(api.db), before);

  const made = await api.request(path, { tenant: "acme", body });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body, {
    user: { id: made.body.user.id, email: "imported@acme.example", name: "Ida", role: "user" },
  });
  assert.equal((await api.request(path, { tenant: "acme", body })).body.code, "email_taken");
  // What the same request is answered once its user has changed, or is gone.
  const once = () =>
    api.request(path, {
      tenant: "acme",
      body: { ...body, email: "once@acme.example" },
      headers: { "Idempotency-Key": "once" },
    });
  const { id } = (await once()).body.user;
  await api.db.owner`update users set name = 'Ada' where id = ${id}`;
  assert.deepEqual((await once()).body.user, {
    id,
    email: "once@acme.example",
    name: "Ada",
    role: "user",
  });
  await api.db.owner`delete from users where id = ${id}`;
  const gone = await once();
  assert.deepEqual([gone.status, gone.body.code], [404, "not_found"]);
  const login = () =>
    api.request("/api/v1/auth/login", {
      via: loopback,
      tenant: "acme",
      body: { email: body.email, password },
    });
  assert.equal((await login()).status, 200);
  const [row] = await api.db.owner`
    select password_hash from users where id = ${made.body.user.id}`;
  assert.match(row?.password_hash, /^\$argon2id\$/);
  assert.equal((await login()).status, 200);
  const rows = await api.db.owner`select a::text as text from audit_log a`;
  assert(!(JSON.stringify(rows) + api.log.join("\n")).includes(password_hash));
});

Deno.test("import user: bcrypt of every cost from 10 to 14, and of no other; that of 14 lets its user in", async () => {
  await using api = await testApi();
  await adminOf(api, "acme");
  const password = "a password of other days";
  // Made once: to make one of this cost takes as long as the comparison below.
  const costliest = "$2b$14$m.RPlSnW0L3pKeKDl0.SCOS4CwJcILi1oOoovG99n.6HQJaHemgLa";
  const take = (cost: string) =>
    api.request("/api/v1/users/import", {
      tenant: "acme",
      body: {
        email: `of${cost}@acme.example`,
        password_hash: costliest.replace("$14$", `$${cost}$`),
      },
    });
  for (const cost of ["10", "11", "12", "13", "14"]) {
    const made = await take(cost);
    assert.equal(made.status, 201, `${cost}: ${made.text}`);
  }
  for (const cost of ["04", "09", "15", "31", "1"]) {
    const reply = await take(cost);
    assert.deepEqual([reply.status, reply.body.errors?.[0].path], [422, "password_hash"], cost);
  }
  const reply = await api.request("/api/v1/auth/login", {
    via: loopback,
    tenant: "acme",
    body: { email: "of14@acme.example", password },
  });
  assert.equal(reply.status, 200, reply.text);
});
