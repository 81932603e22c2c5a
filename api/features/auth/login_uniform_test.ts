import assert from "node:assert/strict";
import { hash as argon2 } from "@node-rs/argon2";
import { hashSync } from "bcryptjs";
import { leastArgon2 } from "../../auth/argon2.ts";
import { failuresUntilAlarm, failuresUntilLock, lockWindowMs } from "../../auth/throttle.ts";
import { connect } from "../../../db/connection.ts";
import {
  adminOf,
  loopback,
  operator,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { testDatabase } from "../../../tests/support/database.ts";
import { statementCounter } from "../../../tests/support/statement_counter.ts";
import { until } from "../../../tests/support/until.ts";

const login = (
  api: TestApi,
  who: { tenant: string; email: string; password: string },
  via: typeof loopback | typeof operator = loopback,
) =>
  api.request("/api/v1/auth/login", {
    via,
    tenant: who.tenant,
    body: { email: who.email, password: who.password },
  });

/** What an onlooker can tell of an attempt, and what it cost. */
async function observe(
  api: TestApi,
  counter: { statements: number },
  who: { tenant: string; email: string; password: string },
) {
  const before = { statements: counter.statements, hashes: api.deps.hasher.stats.hashes };
  api.pauses.length = 0;
  const reply = await login(api, who);
  const pause = api.pauses.at(-1) ?? 0;
  // What is left of the floor, which the whole attempt then took: two seconds, or more where a comparison took longer,
  // and never more than ten.
  assert(pause > 0 && pause <= 10_000, String(pause));
  return {
    waited: api.pauses.slice(0, -1),
    status: reply.status,
    body: { ...reply.body, request_id: "" },
    headers: [...reply.headers.keys()],
    challenge: reply.headers.get("www-authenticate"),
    statements: counter.statements - before.statements,
    hashes: api.deps.hasher.stats.hashes - before.hashes,
  };
}

Deno.test("login: A4: whatever it fails of, there is one answer, one hash, one number of statements and one floor", async (t) => {
  await using db = await testDatabase();
  await using counter = await statementCounter(db.url("massacorp_api"));
  await using api = await testApi({
    inProcess: "counts what one process did",
    db,
    env: {
      DATABASE_URL: counter.url.reveal(),
      DATABASE_POOL_SIZE: "1",
    },
  });
  // That is a statement as well, and comes when it comes.
  await until(
    "the API listens",
    () => api.log.some((line) => line.includes("listening for changes")),
  );
  const acme = await adminOf(api, "acme");
  const inactive = await userOf(api, acme, { email: "inactive@acme.example" });
  const locked = await userOf(api, acme, { email: "locked@acme.example" });
  const imported = await userOf(api, acme, { email: "imported@acme.example" });
  const closed = await adminOf(api, "closed");
  await db.owner`update users set status = 'inactive' where id = ${inactive.userId}`;
  await db.owner`
    update users set password_hash = ${hashSync("another one", 10)} where id = ${imported.userId}`;
  await db.owner`update tenants set status = 'suspended' where slug = 'closed'`;
  const nobody = "nobody@acme.example";
  const wrong = { tenant: "acme", password: "not the password" };
  for (let n = 0; n < failuresUntilLock; n++) {
    await login(api, { ...wrong, email: locked.email });
    await login(api, { ...wrong, email: nobody });
  }
  const cases = {
    "wrong password": { ...wrong, email: acme.email },
    "unknown user": { ...wrong, email: "somebody@acme.example" },
    "unknown tenant": { ...wrong, tenant: "nowhere", email: acme.email },
    "unknown tenant by id": { ...wrong, tenant: "4711", email: acme.email },
    "inactive user, right password": { ...wrong, ...inactive, tenant: "acme" },
    "suspended tenant, right password": { ...wrong, ...closed, tenant: "closed" },
    "locked user, right password": { ...wrong, ...locked, tenant: "acme" },
    "locked and unknown": { ...wrong, email: nobody },
    "imported with bcrypt": { ...wrong, email: imported.email },
  };
  const expected = await observe(api, counter, cases["wrong password"]);
  assert.equal(expected.status, 401);
  assert.deepEqual(expected.waited, []);
  assert.equal(expected.hashes, 1);
  assert.equal(
    expected.statements,
    8,
    "the tenant, the facts, and a transaction with its record and entry",
  );
  for (const [name, who] of Object.entries(cases)) {
    await t.step(name, async () => {
      assert.deepEqual(await observe(api, counter, who), expected);
    });
  }
  // What is told to an owner costs as much where there is nobody to tell.
  const told = {
    "the failure that locks": {
      here: failuresUntilLock - 1,
      elsewhere: 0,
      waited: [2_000],
      more: 1,
    },
    "the failure that alarms": { here: 4, elsewhere: failuresUntilAlarm - 5, waited: [], more: 2 },
  };
  for (const [name, { here, elsewhere, waited, more }] of Object.entries(told)) {
    const some = async (status: string) => {
      const who = await userOf(api, acme, { email: `${crypto.randomUUID()}@acme.example` });
      await db.owner`update users set status = ${status} where id = ${who.userId}`;
      return { ...wrong, email: who.email };
    };
    const whom = {
      "an active user": await some("active"),
      "an inactive user": await some("inactive"),
      nobody: { ...wrong, email: `${crypto.randomUUID()}@acme.example` },
      "an unknown tenant": {
        ...wrong,
        tenant: "nowhere",
        email: `${crypto.randomUUID()}@x.example`,
      },
    };
    for (const [of, who] of Object.entries(whom)) {
      await t.step(`${name}, of ${of}`, async () => {
        for (let n = 0; n < here; n++) await login(api, who);
        for (let n = 0; n < elsewhere; n++) await login(api, who, operator);
        assert.deepEqual(await observe(api, counter, who), {
          ...expected,
          waited,
          statements: expected.statements + more,
        });
      });
    }
  }
  // All of one moment: in the order they were written.
  const mails = await db.owner`select template from mails order by ctid`;
  assert.deepEqual(mails.map(({ template }) => template), [
    "alert_locked",
    "alert_locked",
    "alert_guesses",
  ]);
});

Deno.test("login: a stored hash of other parameters, and an imported bcrypt, are renewed by the log-in that proves the password", async (t) => {
  await using api = await testApi({
    inProcess: "counts what one process did",
    env: { PASSWORD_HASH_MEMORY: "20480" },
  });
  const acme = await adminOf(api, "acme");
  const hashOf = async () => {
    const [row] = await api.db.owner<[{ password_hash: string }]>`
      select password_hash from users where id = ${acme.userId}`;
    return row.password_hash;
  };
  const password = "a password of other days";
  const store = (hash: string) =>
    api.db.owner`update users set password_hash = ${hash} where id = ${acme.userId}`;
  const cases = {
    bcrypt: hashSync(password, 10).replace("$2b$", "$2y$"),
    weaker: await argon2(password, leastArgon2),
  };
  for (const [name, hash] of Object.entries(cases)) {
    await t.step(name, async () => {
      await store(hash);
      assert.equal((await login(api, { ...acme, tenant: "acme", password: "wrong" })).status, 401);
      assert.equal(await hashOf(), hash, "a failure renews nothing");
      assert.equal((await login(api, { ...acme, tenant: "acme", password })).status, 200);
      const renewed = await hashOf();
      assert.match(renewed, /^\$argon2id\$v=19\$m=20480,t=2,p=1\$/);
      const hashes = api.deps.hasher.stats.hashes;
      assert.equal((await login(api, { ...acme, tenant: "acme", password })).status, 200);
      assert.equal(api.deps.hasher.stats.hashes, hashes + 1, "once is enough");
      assert.equal(await hashOf(), renewed);
    });
  }
  const entries = await api.db.owner`
    select actor_user_id from audit_log where action = 'user.rehash'`;
  assert.deepEqual(entries.map((row) => row.actor_user_id), [acme.userId, acme.userId]);
});

Deno.test("users: a bcrypt hash can be set by the operator's role, and by the tenants' role never", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const hash = hashSync("x", 10);
  const connectAs = (role: "massacorp_api" | "massacorp_platform") =>
    connect(api.db.url(role), { max: 1, applicationName: "test-import" });
  const insert = async (role: Parameters<typeof connectAs>[0], password_hash: string) => {
    const sql = connectAs(role);
    try {
      await sql.begin(async (sql) => {
        await sql`select set_config('app.tenant_id', ${String(acme.tenantId)}, true)`;
        await sql`insert into users (tenant_id, email, password_hash)
          values (${acme.tenantId}, ${`${crypto.randomUUID()}@acme.example`}, ${password_hash})`;
      });
    } finally {
      await sql.end();
    }
  };
  await insert("massacorp_platform", hash);
  await assert.rejects(insert("massacorp_api", hash), {
    constraint_name: "users_take_bcrypt_by_import",
  });
  for (
    const bad of [hash.replace("$10$", "$09$"), hash.replace("$10$", "$15$"), hash + "x", "md5"]
  ) {
    await assert.rejects(insert("massacorp_platform", bad), {
      constraint_name: "users_password_is_hashed",
    });
  }
  const sql = connectAs("massacorp_api");
  await assert.rejects(
    sql.begin(async (sql) => {
      await sql`select set_config('app.tenant_id', ${String(acme.tenantId)}, true)`;
      await sql`update users set password_hash = ${hash} where id = ${acme.userId}`;
    }),
    { constraint_name: "users_take_bcrypt_by_import" },
  );
  await sql.end();
});

Deno.test("login: A5: attempts after failures wait longer and longer, whether the account exists or not, and a success forgets them", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const waits = async (email: string) => {
    const found: number[] = [];
    for (let n = 0; n <= failuresUntilLock; n++) {
      api.pauses.length = 0;
      await login(api, { tenant: "acme", email, password: "wrong" });
      found.push(api.pauses.length > 1 ? api.pauses[0] ?? 0 : 0);
    }
    return found;
  };
  const expected = [0, 0, 0, 0, 0, 250, 500, 1_000, 2_000, 2_000, 0];
  assert.deepEqual(await waits(acme.email), expected);
  assert.deepEqual(await waits("nobody@acme.example"), expected);
  // By two ways in turns each has half of them, and all of them make it wait.
  const inTurns = async (who: { tenant: string; email: string }) => {
    const found: number[] = [];
    for (let n = 0; n <= 2 * failuresUntilLock; n++) {
      api.pauses.length = 0;
      await login(api, { ...who, password: "wrong" }, n % 2 === 0 ? loopback : operator);
      found.push(api.pauses.length > 1 ? api.pauses[0] ?? 0 : 0);
    }
    return found;
  };
  const growing = [...Array(10).fill(0), 250, 500, 1_000, ...Array(7).fill(2_000), 0];
  api.clock.advance(lockWindowMs + 1);
  for (const tenant of ["acme", "nowhere"]) {
    assert.deepEqual(await inTurns({ tenant, email: acme.email }), growing, tenant);
  }
  assert.deepEqual(await inTurns({ tenant: "acme", email: "nobody@acme.example" }), growing);
  api.clock.advance(lockWindowMs + 1);
  for (let n = 0; n < 6; n++) {
    await login(api, { tenant: "acme", email: acme.email, password: "wrong" });
  }
  api.pauses.length = 0;
  assert.equal((await login(api, { ...acme, tenant: "acme" })).status, 200);
  assert.deepEqual(api.pauses, [500], "who proves himself waits as well, before he is looked at");
  api.pauses.length = 0;
  await login(api, { tenant: "acme", email: acme.email, password: "wrong" });
  assert.equal(api.pauses.length, 1, "the floor alone");
});
