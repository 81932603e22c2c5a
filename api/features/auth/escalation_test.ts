import assert from "node:assert/strict";
import { leadingZeroBits } from "../../auth/challenge.ts";
import {
  failuresUntilAlarm,
  failuresUntilLock,
  failuresUntilProof,
  lockWindowMs,
} from "../../auth/throttle.ts";
import {
  adminOf,
  loopback,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";
import { testDatabase } from "../../../tests/support/database.ts";
import { redisServer } from "../../../tests/support/redis.ts";
import { databaseDigest } from "../../../tests/support/snapshot.ts";
import { equip, nextCode } from "../../../tests/support/totp.ts";
import { until } from "../../../tests/support/until.ts";

type Via = RequestOptions["via"] & object;

const login = (
  api: TestApi,
  who: { slug?: string; email: string; password: string; proof?: string },
  via: Via = loopback,
) =>
  api.request("/api/v1/auth/login", {
    via,
    tenant: who.slug ?? "acme",
    body: {
      email: who.email,
      password: who.password,
      ...(who.proof === undefined ? {} : { proof: who.proof }),
    },
  });

async function fail(api: TestApi, email: string, times: number, via: Via = loopback) {
  const codes = [];
  for (let n = 0; n < times; n++) {
    codes.push((await login(api, { email, password: "wrong" }, via)).body.code);
  }
  return codes;
}

const unlock = (api: TestApi, id: number, token?: string) =>
  api.request(`/api/v1/users/${id}/unlock`, {
    method: "POST",
    ...(token === undefined ? { tenant: "acme" } : { via: loopback, token }),
  });

async function ownPeer(api: TestApi, who: Persona): Promise<Via> {
  const made = await api.request("/api/v1/wireguard/peers", {
    tenant: "acme",
    body: { name: "laptop", user_id: who.userId },
  });
  assert.equal(made.status, 201, made.text);
  return tunnelFrom(made.body.peer.address);
}

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
  assert.deepEqual(new Set(await fail(api, ada.email, tries, bobs)), new Set(["wrong_tunnel"]));
  for (const via of [machine, loopback]) {
    assert.deepEqual(
      new Set(await fail(api, ada.email, tries, via)),
      new Set(["invalid_credentials"]),
    );
    assert.equal((await login(api, ada, via)).status, 401, "locked that way");
  }
  assert.equal((await login(api, ada, adas)).status, 200);
  assert.equal((await login(api, bob, machine)).status, 200, "and nobody but her");
  // His own failures lock him, for a quarter of an hour and no longer, whatever is tried meanwhile.
  await fail(api, bob.email, failuresUntilLock, bobs);
  api.clock.advance(lockWindowMs - 1_000);
  assert.equal((await login(api, bob, bobs)).status, 401);
  api.clock.advance(1_001);
  assert.equal((await login(api, bob, bobs)).status, 200);
});

Deno.test("login: A5: the owner is told of a lock once, and nobody of one that is nobody's", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await fail(api, acme.email, 1);
  api.clock.advance(lockWindowMs / 3);
  await fail(api, acme.email, failuresUntilLock - 2);
  const mails = async () => {
    const rows = await api.db.owner`select template from mails`;
    return rows.map((row) => row.template);
  };
  assert.deepEqual(await mails(), []);
  await Promise.all(Array.from({ length: 10 }, () => fail(api, acme.email, 1)));
  await fail(api, acme.email, 5);
  await fail(api, "nobody@acme.example", failuresUntilLock + 5);
  assert.deepEqual(await mails(), ["alert_locked"]);
  // What is tried once the first failure has aged is refused by the same lock.
  api.clock.advance(2 * lockWindowMs / 3 + 1);
  await fail(api, acme.email, 3);
  assert.deepEqual(await mails(), ["alert_locked"]);
  api.clock.advance(lockWindowMs / 3);
  await fail(api, acme.email, failuresUntilLock);
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

Deno.test("login: A5: failures by many ways together ask for work of all, and tell the owner once; they lock nobody, and cost the owner's own peer nothing", async () => {
  await using api = await testApi({ env: { LOGIN_PROOF_OF_WORK: "8" } });
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const own = await ownPeer(api, bob);
  const machines: Via[] = [];
  for (let n = 0; n < 5; n++) {
    const { body } = await api.request("/api/v1/wireguard/peers", {
      tenant: "acme",
      body: { name: `machine ${n}` },
    });
    machines.push(tunnelFrom(body.peer.address));
  }
  const [fresh = loopback, ...guessing] = machines;
  const mails = async () => {
    const rows = await api.db.owner`select template from mails order by created_at`;
    return rows.map((row) => row.template);
  };
  for (const email of [bob.email, "nobody@acme.example"]) {
    for (const via of guessing) await fail(api, email, 2, via);
    assert.deepEqual(await fail(api, email, 1, fresh), ["invalid_credentials"]);
    const before = await mails();
    assert.deepEqual(await fail(api, email, 1, fresh), ["invalid_credentials"]);
    const told = email === bob.email ? ["alert_guesses"] : [];
    assert.deepEqual(await mails(), [...before, ...told], "with the tenth of somebody's");

    const who = { email, password: bob.password };
    const { body } = await login(api, who);
    assert.equal(body.code, "challenge_required", "a way by which nothing failed yet");
    const proof = await solve(body.challenge.challenge, 8);
    api.pauses.length = 0;
    const status = email === bob.email ? 200 : 401;
    assert.equal((await login(api, { ...who, proof })).status, status, "never a lock");
    assert.equal(api.pauses[0], 250, "it waits as well");
    // What succeeded forgives that way alone: those of the others are there still.
    assert.equal((await login(api, who)).body.code, "challenge_required");
  }
  assert.deepEqual(await mails(), ["alert_guesses"]);
  api.pauses.length = 0;
  assert.equal((await login(api, bob, own)).status, 200);
  assert.deepEqual(api.pauses, []);

  assert.equal((await unlock(api, bob.userId, acme.token)).status, 200);
  assert.equal((await login(api, bob, fresh)).status, 200);
  api.clock.advance(lockWindowMs + 1);
  assert.equal((await login(api, { ...bob, email: "nobody@acme.example" }, fresh)).status, 401);
});

Deno.test("login: A5: of fifty failures at once by many ways the owner is told once", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const digest = await api.deps.identifierDigest(acme.email);
  // By ten others before.
  await api.db.owner`
    insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
    select ${acme.tenantId}, ${digest}, 'machine ' || n, 'failed', ${new Date(api.clock.now())}
    from generate_series(1, ${failuresUntilAlarm - 1}::integer) n`;
  const vias: Via[] = [loopback, { listener: "operator", address: null }];
  for (let n = 0; n < 8; n++) {
    const { body } = await api.request("/api/v1/wireguard/peers", {
      tenant: "acme",
      body: { name: `machine ${n}` },
    });
    vias.push(tunnelFrom(body.peer.address));
  }
  await Promise.all(
    vias.flatMap((via) => Array.from({ length: 5 }, () => fail(api, acme.email, 1, via))),
  );
  const told = async () => {
    const [row] = await api.db.owner`
      select (select count(*)::integer from mails) as mails,
        (select count(*)::integer from login_attempts where outcome = 'alarmed') as alarmed,
        (select count(*)::integer from audit_log where details ->> 'alarmed' = 'true') as entries`;
    return { ...row };
  };
  assert.deepEqual(await told(), { mails: 1, alarmed: 1, entries: 1 });
  api.clock.advance(lockWindowMs + 1);
  for (const via of vias) await fail(api, acme.email, 1, via);
  assert.deepEqual(
    await told(),
    { mails: 2, alarmed: 2, entries: 2 },
    "and of those of later again",
  );
});

Deno.test("unlock user: lifts the locks of every way at once, and says who did it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  const other = await adminOf(api, "other");
  const operator = { listener: "operator", address: null } as const;
  for (const via of [loopback, operator]) {
    await fail(api, bob.email, failuresUntilLock, via);
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
  await fail(api, bob.email, failuresUntilLock);
  assert.equal((await login(api, bob)).status, 401);
});

async function solve(challenge: string, bits: number): Promise<string> {
  for (let nonce = 0;; nonce++) {
    const proof = `${challenge}:${nonce}`;
    if (await leadingZeroBits(proof) >= bits) return proof;
  }
}

Deno.test("login: with a proof of work, attempts after failures show one each, whether the account exists or not", async (t) => {
  await using api = await testApi({ env: { LOGIN_PROOF_OF_WORK: "8" } });
  const acme = await adminOf(api, "acme");
  const emails = {
    "an account": { slug: "acme", email: acme.email },
    "no account": { slug: "acme", email: "nobody@acme.example" },
    "no tenant": { slug: "nowhere", email: acme.email },
  };
  for (const [name, who] of Object.entries(emails)) {
    await t.step(name, async () => {
      const wrong = { ...who, password: "wrong" };
      for (let n = 0; n < failuresUntilProof; n++) {
        assert.equal((await login(api, wrong)).status, 401);
      }
      const hashes = api.deps.hasher.stats.hashes;
      const asked = await login(api, wrong);
      assert.deepEqual([asked.status, asked.body.code], [403, "challenge_required"]);
      const { kind, challenge, bits } = asked.body.challenge;
      assert.deepEqual([kind, bits], ["proof_of_work", 8]);
      for (
        const proof of [challenge, `${challenge}:x`, "", ":", `${challenge}0:1`, "9".repeat(200)]
      ) {
        const reply = await login(api, { ...wrong, proof });
        // One nonce in 256 would do.
        if (await leadingZeroBits(proof) < bits) assert.equal(reply.status, 403, proof);
      }
      const proof = await solve(challenge, bits);
      const elsewhere = { slug: "acme", email: "somebody@acme.example", password: "wrong" };
      await fail(api, elsewhere.email, failuresUntilProof);
      assert.equal((await login(api, { ...elsewhere, proof })).status, 403, "for this one alone");
      assert.equal(api.deps.hasher.stats.hashes <= hashes + failuresUntilProof, true);
      assert.equal((await login(api, { ...wrong, proof })).status, 401);
      assert.equal((await login(api, { ...wrong, proof })).status, 403, "used up");
      // Make the other one as it was for the next round.
      api.clock.advance(lockWindowMs + 1);
    });
  }
  await fail(api, acme.email, failuresUntilProof);
  const asked = await login(api, acme);
  assert.equal(asked.status, 403, "the right password alone is not looked at");
  const proof = await solve(asked.body.challenge.challenge, 8);
  api.clock.advance(5 * 60_000 + 1);
  assert.equal((await login(api, { ...acme, proof })).status, 403, "too late");
  const again = await login(api, acme);
  const good = await solve(again.body.challenge.challenge, 8);
  assert.equal((await login(api, { ...acme, proof: good })).status, 200);
  assert.equal((await login(api, acme)).status, 200, "and that was that");
});

Deno.test("change password: after failures takes the proof of work that a log-in would", async () => {
  await using api = await testApi({ env: { LOGIN_PROOF_OF_WORK: "8" } });
  const acme = await adminOf(api, "acme");
  const change = (more: Record<string, unknown>) =>
    api.request("/api/v1/auth/change-password", {
      via: loopback,
      token: acme.token,
      body: { current_password: acme.password, new_password: "x9K#mQ2$vLp8", ...more },
    });
  await fail(api, acme.email, failuresUntilProof);
  const asked = await change({});
  assert.deepEqual([asked.status, asked.body.code], [403, "challenge_required"]);
  assert.equal((await change({ proof: "1:2" })).body.code, "challenge_required");
  const proof = await solve(asked.body.challenge.challenge, 8);
  assert.equal((await change({ proof, current_password: "wrong" })).status, 401);
  assert.equal((await change({ proof })).body.code, "challenge_required", "used up");
  const next = await solve((await change({})).body.challenge.challenge, 8);
  const done = await change({ proof: next });
  assert.equal(done.status, 200, done.text);
});

Deno.test("step-up: a password after failures takes the proof of work that a log-in would", async () => {
  await using api = await testApi({ env: { LOGIN_PROOF_OF_WORK: "8" } });
  const acme = await adminOf(api, "acme");
  const stepUp = (more: Record<string, unknown>) =>
    api.request("/api/v1/auth/step-up", {
      via: loopback,
      token: acme.token,
      body: { password: acme.password, ...more },
    });
  await fail(api, acme.email, failuresUntilProof);
  const asked = await stepUp({});
  assert.deepEqual([asked.status, asked.body.code], [403, "challenge_required"]);
  assert.equal((await stepUp({ proof: "1:2" })).body.code, "challenge_required");
  const proof = await solve(asked.body.challenge.challenge, 8);
  assert.equal((await stepUp({ proof, password: "wrong" })).status, 401);
  const next = await solve((await stepUp({ proof })).body.challenge.challenge, 8);
  const done = await stepUp({ proof: next });
  assert.equal(done.status, 200, done.text);
});

Deno.test("step-up, disable: a password is looked at as often as at a log-in, and costs no hash beyond that", async () => {
  await using api = await testApi({
    inProcess: "counts what one process did",
    env: { RATE_LIMIT_LOGIN: "5" },
  });
  const acme = await adminOf(api, "acme");
  // Two of five went with the log-ins.
  const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
  const send = (path: string, { token }: Persona, body: Record<string, unknown>) =>
    api.request(`/api/v1${path}`, { via: loopback, token, body });
  const code = nextCode(api, bob);
  const stepUp = () => send("/auth/step-up", acme, { password: "wrong" });
  const disable = () => send("/mfa/disable", bob, { password: "wrong", code });
  const counted = [await stepUp(), await stepUp(), await disable()];
  assert.deepEqual(counted.map((reply) => reply.status), [401, 401, 401]);
  const { hashes } = api.deps.hasher.stats;
  const beyond = [await stepUp(), await disable()];
  assert.deepEqual(beyond.map((reply) => reply.body.code), ["rate_limited", "rate_limited"]);
  assert.equal(api.deps.hasher.stats.hashes, hashes);
  const byCode = await send("/auth/step-up", bob, { code });
  assert.equal(byCode.status, 200, byCode.text);
});

Deno.test("login: D4: processes share what Redis and PostgreSQL counted, and without Redis a lock stays a lock", async () => {
  await using redis = await redisServer();
  await using db = await testDatabase();
  const env = { REDIS_URL: redis.url };
  await using one = await testApi({ db, env });
  await using two = await testApi({ db, env, gateway: false });
  const acme = await adminOf(one, "acme");
  await fail(one, acme.email, failuresUntilLock - 1);
  await fail(two, acme.email, 1);
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
