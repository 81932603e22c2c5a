import assert from "node:assert/strict";
import { attacks, claimsAt, compact, makeKey } from "../../tests/support/token_attacks.ts";
import { adminOf, loopback, testApi } from "../../tests/support/api.ts";
import { FakeClock } from "../../tests/support/clock.ts";
import { asTenantId } from "../database/tenancy.ts";
import { ApiError } from "../errors.ts";
import { createKeyRing } from "./key_ring.ts";
import { createTokens } from "./tokens.ts";

for (const alg of ["HS256", "RS256", "ES256", "EdDSA"] as const) {
  Deno.test(`verifyAccess: A6: no known attack passes for a token of ours, ${alg}`, async () => {
    const clock = new FakeClock();
    const now = Math.floor(clock.now() / 1000);
    const made = await makeKey(alg, "target");
    const others = await Promise.all(
      (["HS256", "RS256", "ES256", "EdDSA"] as const).filter((other) => other !== alg)
        .map((other) => makeKey(other, `other-${other}`)),
    );
    const tokens = createTokens({
      keys: await createKeyRing([made.jwk, ...others.map((other) => other.jwk)]),
      issuer: "massacorp",
      accessSeconds: 900,
      clock,
    });
    const sid = "01890a5d-ac96-774b-bcce-b302099a8057";
    const claims = claimsAt(now, sid);
    const good = await compact({ alg, kid: "target", typ: "JWT" }, claims, made.sign);
    const expected = { tenantId: asTenantId(3), userId: 7, sessionId: sid };
    assert.deepEqual(await tokens.verifyAccess(good), expected, "the control");
    const all = await attacks({
      ...{ alg, kid: "target", claims, good, now },
      sign: made.sign,
      shown: made.shown,
    });
    assert(Object.keys(all).length >= 85);
    for (const [name, token] of Object.entries(all)) {
      for (const verify of [tokens.verifyAccess, tokens.verifyRefresh]) {
        await assert.rejects(
          verify(token),
          (error) => error instanceof ApiError && error.code === "invalid_token",
          name,
        );
      }
    }
  });
}

Deno.test("app: A6: no attack passes by the header, the refresh or the verification, and all are answered alike", async () => {
  const made = await makeKey("RS256", "target");
  await using api = await testApi({
    env: {
      JWT_SECRET: "",
      JWT_ALGORITHM: "RS256",
      JWT_KEYS: JSON.stringify({ keys: [made.jwk] }),
    },
  });
  const acme = await adminOf(api, "acme");
  const now = Math.floor(api.clock.now() / 1000);
  const [, payload = ""] = acme.token.split(".");
  const claims = JSON.parse(
    new TextDecoder().decode(Uint8Array.fromBase64(payload, { alphabet: "base64url" })),
  );
  const all = await attacks({
    ...{ alg: "RS256", kid: "target", claims, good: acme.token, now },
    sign: made.sign,
    shown: made.shown,
  });
  const me = (token: string) =>
    api.request("/api/v1/auth/me", {
      via: loopback,
      headers: { authorization: `Bearer ${token}` },
    });
  const refresh = (refresh_token: string) =>
    api.request("/api/v1/auth/refresh", { via: loopback, body: { refresh_token } });
  const verify = (token: string) =>
    api.request("/api/v1/auth/verify-token", { via: loopback, body: { token } });
  const seen = new Set<string>();
  for (const [name, token] of Object.entries(all)) {
    if (token.length > 4096 || token.includes("\0")) {
      for (const reply of [await refresh(token), await verify(token)]) {
        assert([413, 422].includes(reply.status), name);
      }
      continue;
    }
    const refused = await refresh(token);
    assert.equal(refused.status, 401, name);
    seen.add(JSON.stringify({ ...refused.body, request_id: "" }));
    assert.deepEqual((await verify(token)).body, { active: false }, name);
    // White space around the value of a header belongs to nobody.
    if (token !== token.trim()) continue;
    const reply = await me(token);
    assert.equal(reply.status, 401, name);
    seen.add(JSON.stringify({ ...reply.body, request_id: "" }));
  }
  assert.equal(seen.size, 1);
  assert.equal((await me(acme.token)).status, 200);
});
