import assert from "node:assert/strict";
import { failLogIns, findProof, login, solveChallenge } from "../../../tests/support/log_ins.ts";
import { failuresUntilProof, lockWindowMs } from "../../auth/throttle.ts";
import { adminOf, loopback, type Persona, testApi, userOf } from "../../../tests/support/api.ts";
import { equip, nextCode } from "../../../tests/support/totp.ts";

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
      const tooLittle = await findProof(challenge, (zeros) => zeros === bits - 1);
      for (const proof of [challenge, tooLittle, "", ":", `${challenge}0:1`, "9".repeat(200)]) {
        assert.equal((await login(api, { ...wrong, proof })).status, 403, proof);
      }
      const proof = await solveChallenge(challenge, bits);
      const elsewhere = { slug: "acme", email: "somebody@acme.example", password: "wrong" };
      await failLogIns(api, elsewhere.email, failuresUntilProof);
      assert.equal((await login(api, { ...elsewhere, proof })).status, 403, "for this one alone");
      assert.equal(api.deps.hasher.stats.hashes <= hashes + failuresUntilProof, true);
      assert.equal((await login(api, { ...wrong, proof })).status, 401);
      assert.equal((await login(api, { ...wrong, proof })).status, 403, "used up");
      // Make the other one as it was for the next round.
      api.clock.advance(lockWindowMs + 1);
    });
  }
  await failLogIns(api, acme.email, failuresUntilProof);
  const asked = await login(api, acme);
  assert.equal(asked.status, 403, "the right password alone is not looked at");
  const proof = await solveChallenge(asked.body.challenge.challenge, 8);
  api.clock.advance(5 * 60_000 + 1);
  assert.equal((await login(api, { ...acme, proof })).status, 403, "too late");
  const again = await login(api, acme);
  const good = await solveChallenge(again.body.challenge.challenge, 8);
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
  await failLogIns(api, acme.email, failuresUntilProof);
  const asked = await change({});
  assert.deepEqual([asked.status, asked.body.code], [403, "challenge_required"]);
  assert.equal((await change({ proof: "1:2" })).body.code, "challenge_required");
  const proof = await solveChallenge(asked.body.challenge.challenge, 8);
  assert.equal((await change({ proof, current_password: "wrong" })).status, 401);
  assert.equal((await change({ proof })).body.code, "challenge_required", "used up");
  const next = await solveChallenge((await change({})).body.challenge.challenge, 8);
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
  await failLogIns(api, acme.email, failuresUntilProof);
  const asked = await stepUp({});
  assert.deepEqual([asked.status, asked.body.code], [403, "challenge_required"]);
  assert.equal((await stepUp({ proof: "1:2" })).body.code, "challenge_required");
  const proof = await solveChallenge(asked.body.challenge.challenge, 8);
  assert.equal((await stepUp({ proof, password: "wrong" })).status, 401);
  const next = await solveChallenge((await stepUp({ proof })).body.challenge.challenge, 8);
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
