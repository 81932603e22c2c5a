import assert from "node:assert/strict";
import { adminOf, loopback, testApi } from "../../../tests/support/api.ts";

Deno.test("verify-token: A1: tells what a good token says, and of any other only that it is none", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const verify = async (token: string) =>
    (await api.request("/api/v1/auth/verify-token", { via: loopback, body: { token } })).body;
  const { jti, iat, exp, ...said } = await verify(acme.token);
  assert.deepEqual(said, {
    active: true,
    sub: String(acme.userId),
    tenant_id: acme.tenantId,
    email: acme.email,
    sid: said.sid,
  });
  assert.deepEqual([typeof jti, exp - iat], ["string", 900]);
  assert.deepEqual(await verify(acme.refreshToken), { active: false });
  // It leaves no trace of a visit that was none.
  const [before] = await api.db.owner`select last_seen_at from sessions`;
  api.clock.advance(120_000);
  assert.equal((await verify(acme.token)).active, true);
  const [after] = await api.db.owner`select last_seen_at from sessions`;
  assert.deepEqual(after, before);
  await api.request("/api/v1/auth/logout", { method: "POST", token: acme.token });
  assert.deepEqual(await verify(acme.token), { active: false });
});
