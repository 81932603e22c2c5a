import assert from "node:assert/strict";
import {
  failLogIns,
  login,
  ownPeer,
  solveChallenge,
  unlock,
  type Via,
} from "../../../tests/support/log_ins.ts";
import { failuresUntilAlarm, lockWindowMs } from "../../auth/throttle.ts";
import { adminOf, loopback, testApi, tunnelFrom, userOf } from "../../../tests/support/api.ts";

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
    for (const via of guessing) await failLogIns(api, email, 2, via);
    assert.deepEqual(await failLogIns(api, email, 1, fresh), ["invalid_credentials"]);
    const before = await mails();
    assert.deepEqual(await failLogIns(api, email, 1, fresh), ["invalid_credentials"]);
    const told = email === bob.email ? ["alert_guesses"] : [];
    assert.deepEqual(await mails(), [...before, ...told], "with the tenth of somebody's");

    const who = { email, password: bob.password };
    const { body } = await login(api, who);
    assert.equal(body.code, "challenge_required", "a way by which nothing failed yet");
    const proof = await solveChallenge(body.challenge.challenge, 8);
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
    vias.flatMap((via) => Array.from({ length: 5 }, () => failLogIns(api, acme.email, 1, via))),
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
  for (const via of vias) await failLogIns(api, acme.email, 1, via);
  assert.deepEqual(
    await told(),
    { mails: 2, alarmed: 2, entries: 2 },
    "and of those of later again",
  );
});
