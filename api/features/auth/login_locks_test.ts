import assert from "node:assert/strict";
import { failLogIns, login, ownPeer, unlock } from "../../../tests/support/log_ins.ts";
import { failuresUntilLock, lockWindowMs } from "../../auth/throttle.ts";
import { adminOf, loopback, testApi, tunnelFrom, userOf } from "../../../tests/support/api.ts";
import { testDatabase } from "../../../tests/support/database.ts";
import { redisServer } from "../../../tests/support/redis.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import { until } from "../../../tests/support/until.ts";

Deno.test("login: A5: nobody can lock the owner out of his own peer, by whatever way and however often he tries", async () => {
  await using api = await testApi();
  const ada = await adminOf(api, "acme");
  const bob = await userOf(api, ada, { email: "bob@acme.example" });
  const [adas, bobs] = [await ownPeer(api, ada), await ownPeer(api, bob)];
  const shared = await api.request("/api/v1/wireguard/peers", {
    tenant: "acme",
    body: { name: "machine" },
  });
  const machine = tunnelFrom(shared.body.peer.address);
  const tries = failuresUntilLock + 5;
  assert.deepEqual(
    new Set(await failLogIns(api, ada.email, tries, bobs)),
    new Set(["wrong_tunnel"]),
  );
  for (const via of [machine, loopback]) {
    assert.deepEqual(
      new Set(await failLogIns(api, ada.email, tries, via)),
      new Set(["invalid_credentials"]),
    );
    assert.equal((await login(api, ada, via)).status, 401, "locked that way");
  }
  assert.equal((await login(api, ada, adas)).status, 200);
  assert.equal((await login(api, bob, machine)).status, 200, "and nobody but her");
  // His own failures lock him, for a quarter of an hour and no longer, whatever is tried meanwhile.
  await failLogIns(api, bob.email, failuresUntilLock, bobs);
  api.clock.advance(lockWindowMs - 1_000);
  assert.equal((await login(api, bob, bobs)).status, 401);
  api.clock.advance(1_001);
  assert.equal((await login(api, bob, bobs)).status, 200);
});

Deno.test("login: A5: the owner is told of a lock once, and nobody of one that is nobody's", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await failLogIns(api, acme.email, 1);
  api.clock.advance(lockWindowMs / 3);
  await failLogIns(api, acme.email, failuresUntilLock - 2);
  const mails = async () => {
    const rows = await api.db.owner`select template from mails`;
    return rows.map((row) => row.template);
  };
  assert.deepEqual(await mails(), []);
  await Promise.all(Array.from({ length: 10 }, () => failLogIns(api, acme.email, 1)));
  await failLogIns(api, acme.email, 5);
  await failLogIns(api, "nobody@acme.example", failuresUntilLock + 5);
  assert.deepEqual(await mails(), ["alert_locked"]);
  // What is tried once the first failure has aged is refused by the same lock.
  api.clock.advance(2 * lockWindowMs / 3 + 1);
  await failLogIns(api, acme.email, 3);
  assert.deepEqual(await mails(), ["alert_locked"]);
  api.clock.advance(lockWindowMs / 3);
  await failLogIns(api, acme.email, failuresUntilLock);
  assert.deepEqual(await mails(), ["alert_locked", "alert_locked"]);
  const [row] = await api.db.owner`
    select count(*)::integer as n from audit_log
    where action = 'auth.login' and outcome = 'refused' and details ->> 'locked' = 'true'
      and target_id = ${String(acme.userId)}`;
  assert(row?.n >= 10, "each is in the audit log");
});

Deno.test("login: A5: a lock lasts a quarter of an hour from the failure that locks, however long those before it took", async () => {
  await using api = await testApi({ inProcess: "counts what one process did" });
  const acme = await adminOf(api, "acme");
  const everybody = [
    { email: acme.email },
    { email: "nobody@acme.example" },
    { slug: "nowhere", email: acme.email },
  ];
  const failAll = async (times: number, whom = everybody) => {
    const waits = [];
    for (const who of whom) {
      for (let n = 0; n < times; n++) {
        api.pauses.length = 0;
        assert.equal((await login(api, { ...who, password: "wrong" })).status, 401);
        waits.push(api.pauses.length - 1);
      }
    }
    return waits;
  };
  // The first one's as another process recorded them, so that the database alone can tell of his lock.
  const digest = await api.deps.identifierDigest(acme.email);
  await api.db.owner`
    insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
    select ${acme.tenantId}, ${digest}, ${loopback.listener}, 'failed', ${new Date(
    api.clock.now(),
  )} from generate_series(1, 5)`;
  await failAll(5, everybody.slice(1));
  api.clock.advance(lockWindowMs - 60_000);
  await failAll(failuresUntilLock - 5);
  api.clock.advance(lockWindowMs - 1_000);
  assert.equal((await login(api, acme)).status, 401, "locked still");
  // Nor do these count, or the last of them would wait.
  assert.deepEqual(new Set(await failAll(6)), new Set([0]));
  api.clock.advance(1_001);
  assert.equal((await login(api, acme)).status, 200);
  assert.equal((await failAll(6)).filter((waits) => waits > 0).length, everybody.length);
});

Deno.test("unlock user: lifts the locks of every way at once, and says who did it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  const other = await adminOf(api, "other");
  const operator = { listener: "operator", address: null } as const;
  for (const via of [loopback, operator]) {
    await failLogIns(api, bob.email, failuresUntilLock, via);
    assert.equal((await login(api, bob, via)).status, 401);
  }
  const before = await databaseDigest(api.db);
  assert.equal((await unlock(api, bob.userId, manager.token)).body.code, "forbidden");
  assert.equal((await unlock(api, bob.userId, bob.token)).body.code, "forbidden");
  const foreign = await unlock(api, bob.userId, other.token);
  const unknown = await unlock(api, 4711, other.token);
  assert.deepEqual([foreign.status, { ...foreign.body, request_id: "" }], [404, {
    ...unknown.body,
    request_id: "",
  }]);
  assert.deepEqual(await databaseDigest(api.db), before);

  const done = await unlock(api, bob.userId, acme.token);
  assert.deepEqual([done.status, done.body], [200, { id: bob.userId, unlocked: true }]);
  for (const via of [loopback, operator]) {
    assert.equal((await login(api, bob, via)).status, 200);
  }
  const [entry] = await api.db.owner`
    select actor_user_id, target_id from audit_log where action = 'user.unlock'`;
  assert.deepEqual({ ...entry }, { actor_user_id: acme.userId, target_id: String(bob.userId) });
  // What failed before counts no more; what fails afterwards does.
  await failLogIns(api, bob.email, failuresUntilLock);
  assert.equal((await login(api, bob)).status, 401);
});

Deno.test("login: D4: processes share what Redis and PostgreSQL counted, and without Redis a lock stays a lock", async () => {
  await using redis = await redisServer();
  await using db = await testDatabase();
  // A command that a busy machine holds up for longer than usual would be counted without Redis.
  const env = { REDIS_URL: redis.url, REDIS_COMMAND_TIMEOUT: "60000" };
  await using one = await testApi({ db, env });
  await using two = await testApi({ db, env, gateway: false });
  // What failed before that would be known to nobody else.
  for (const { deps } of [one, two]) {
    await until("Redis is there", () => deps.redis?.client.isReady);
  }
  const acme = await adminOf(one, "acme");
  await failLogIns(one, acme.email, failuresUntilLock - 1);
  await failLogIns(two, acme.email, 1);
  for (const api of [one, two]) assert.equal((await login(api, acme)).status, 401);
  // Those of a tenant that is none are known to the other process by Redis alone.
  const nowhere = { slug: "nowhere", email: acme.email, password: "wrong" };
  for (let n = 0; n < 6; n++) await login(one, nowhere);
  two.pauses.length = 0;
  await login(two, nowhere);
  assert.equal(two.pauses[0], 500);

  await redis.stop();
  for (const api of [one, two]) assert.equal((await login(api, acme)).status, 401);
  assert(two.log.some((line) => line.includes("counted without Redis")));
  await redis.start();
  // It came back empty, and that loosens nothing.
  for (const api of [one, two]) {
    await until(
      "Redis is back",
      async () => (await api.request("/ready")).body.checks.redis === "ok",
    );
    assert.equal((await login(api, acme)).status, 401);
  }
  assert.equal((await unlock(one, acme.userId)).status, 200);
  assert.equal((await login(two, acme)).status, 200);
});
