import assert from "node:assert/strict";
import { base64url, decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { Secret } from "../../lib/secret.ts";
import { FakeClock } from "../../tests/support/clock.ts";
import { resigned } from "../../tests/support/token_attacks.ts";
import { asTenantId } from "../database/tenancy.ts";
import { ApiError } from "../errors.ts";
import { createKeyRing, ringOfSecret } from "./key_ring.ts";
import { createTokens } from "./tokens.ts";

const secret = "kR8vZ1yQm3TnXw6sLd0JfHbU5cGaEiOp";
const clock = new FakeClock();
const keys = await createKeyRing(await ringOfSecret(new Secret(secret)));
const tokens = createTokens({
  keys,
  issuer: "massacorp",
  accessSeconds: 900,
  clock,
});
const subject = {
  tenantId: asTenantId(3),
  userId: 7,
  sessionId: "01890a5d-ac96-774b-bcce-b302099a8057",
};

const isInvalidToken = (error: unknown) =>
  error instanceof ApiError && error.code === "invalid_token";

/** A token made outside, with whatever header and claims an attacker likes. */
function forge(
  claims: Record<string, unknown>,
  options: { alg?: string; key?: string; typ?: string; kid?: string | undefined } = {},
): Promise<string> {
  const now = Math.floor(clock.now() / 1000);
  const all = {
    sub: "7",
    tenant_id: 3,
    email: "ada@acme.example",
    sid: subject.sessionId,
    type: "access",
    jti: "x",
    iss: "massacorp",
    aud: "massacorp",
    iat: now,
    exp: now + 60,
    ...claims,
  };
  return new SignJWT(all)
    .setProtectedHeader({
      alg: options.alg ?? "HS256",
      typ: options.typ ?? "JWT",
      ...("kid" in options ? options.kid && { kid: options.kid } : { kid: keys.signing.kid }),
    })
    .sign(new TextEncoder().encode(options.key ?? secret));
}

Deno.test("verifyAccess: accepts what mintAccess makes, until it expires", async () => {
  const clock = new FakeClock();
  const tokens = createTokens({
    keys,
    issuer: "massacorp",
    accessSeconds: 900,
    clock,
  });
  const token = await tokens.mintAccess({ ...subject, email: "ada@acme.example" });
  assert.deepEqual(await tokens.verifyAccess(token), subject);
  clock.advance(899_000);
  assert.deepEqual(await tokens.verifyAccess(token), subject);
  clock.advance(2_000);
  await assert.rejects(tokens.verifyAccess(token), isInvalidToken);
});

Deno.test("verifyAccess: the control of the forgeries below is accepted", async () => {
  assert.deepEqual(await tokens.verifyAccess(await forge({})), subject);
});

Deno.test("verifyAccess: refuses every token that is not exactly ours", async (t) => {
  const [header = "", payload = "", signature = ""] = (await forge({})).split(".");
  const { kid } = keys.signing;
  const unsigned = base64url.encode(JSON.stringify({ alg: "none", kid, typ: "JWT" }));
  const richer = base64url.encode(
    JSON.stringify({
      ...JSON.parse(new TextDecoder().decode(base64url.decode(payload))),
      sub: "1",
    }),
  );
  const forgeries: Record<string, string> = {
    "no algorithm, no signature": `${unsigned}.${payload}.`,
    "no algorithm, old signature": `${unsigned}.${payload}.${signature}`,
    "changed claims": `${header}.${richer}.${signature}`,
    "cut signature": `${header}.${payload}.${signature.slice(0, -4)}`,
    "another algorithm of the same key": await forge({}, {
      alg: "HS512",
      key: secret.padEnd(64, "x"),
    }),
    "another key": await forge({}, { key: secret.toLowerCase() }),
    "no kid": await forge({}, { kid: undefined }),
    "a kid of nobody's": await forge({}, { kid: "0" }),
    "a kid that is a path": await forge({}, { kid: "../../../../dev/null", key: "\0".repeat(32) }),
    "another token type header": await forge({}, { typ: "at+jwt" }),
    "a refresh token": await tokens.mintRefresh({
      ...subject,
      counter: 0,
      issuedAt: clock.now(),
      expiresAt: clock.now() + 60_000,
    }),
    "an MFA session of ours": await tokens.mintPending("mfa_session", {
      ...subject,
      id: crypto.randomUUID(),
      seconds: 300,
    }),
    "an MFA session": await forge({ type: "mfa_session" }),
    "no type": await forge({ type: undefined }),
    "another issuer": await forge({ iss: "elsewhere" }),
    "another audience": await forge({ aud: "elsewhere" }),
    "expired": await forge({ exp: Math.floor(clock.now() / 1000) - 1 }),
    "no expiry": await forge({ exp: undefined }),
    "not yet valid": await forge({ nbf: Math.floor(clock.now() / 1000) + 60 }),
    "no tenant": await forge({ tenant_id: undefined }),
    "a tenant in words": await forge({ tenant_id: "3 or 1=1" }),
    "a fractional tenant": await forge({ tenant_id: 3.5 }),
    "a negative user": await forge({ sub: "-7" }),
    "a session that is no id": await forge({ sid: "../../etc/passwd" }),
    "not a token": "x",
    "empty": "",
  };
  for (const [name, token] of Object.entries(forgeries)) {
    await t.step(name, () => assert.rejects(tokens.verifyAccess(token), isInvalidToken));
  }
});

Deno.test("mintRefresh: A2: the same state mints the same token again", async () => {
  const state = { ...subject, counter: 4, issuedAt: clock.now(), expiresAt: clock.now() + 60_000 };
  const first = await tokens.mintRefresh(state);
  assert.equal(await tokens.mintRefresh(state), first);
  assert.deepEqual(await tokens.verifyRefresh(first), { ...subject, counter: 4 });
  assert.notEqual(await tokens.mintRefresh({ ...state, counter: 5 }), first);
  await assert.rejects(tokens.verifyAccess(first), isInvalidToken);
});

Deno.test("verifyPending: each kind is good for itself alone", async () => {
  const pending = { tenantId: subject.tenantId, userId: 7, id: crypto.randomUUID() };
  const token = await tokens.mintPending("mfa_session", { ...pending, seconds: 300 });
  assert.deepEqual(await tokens.verifyPending("mfa_session", token), pending);
  await assert.rejects(tokens.verifyPending("mfa_setup", token), isInvalidToken);
  const access = await tokens.mintAccess({ ...subject, email: "ada@acme.example" });
  await assert.rejects(tokens.verifyPending("mfa_session", access), isInvalidToken);
});

Deno.test("verifyAccess, verifyRefresh: what this process signed is believed without its signature, for its time and its kind alone", async () => {
  const clock = new FakeClock();
  let looked = 0;
  const counting = {
    ...keys,
    verifying: (header: Parameters<typeof keys.verifying>[0]) => {
      looked++;
      return keys.verifying(header);
    },
  };
  const options = { keys: counting, issuer: "massacorp", accessSeconds: 900, clock };
  const tokens = createTokens(options);
  const access = await tokens.mintAccess({ ...subject, email: "ada@acme.example" });
  const issuedAt = clock.now();
  const refresh = await tokens.mintRefresh({
    ...{ ...subject, counter: 4, issuedAt },
    expiresAt: issuedAt + 3_600_000,
  });
  assert.deepEqual(await tokens.verifyAccess(access), subject);
  assert.deepEqual(await tokens.verifyRefresh(refresh), { ...subject, counter: 4 });
  assert.equal(looked, 0);
  // A refresh token is of use once, so the next look is at its signature; so is that of a process that knows neither.
  assert.deepEqual(await tokens.verifyRefresh(refresh), { ...subject, counter: 4 });
  assert.deepEqual(await createTokens(options).verifyAccess(access), subject);
  assert.equal(looked, 2);
  await assert.rejects(tokens.verifyRefresh(access), isInvalidToken);
  await assert.rejects(tokens.verifyAccess(refresh), isInvalidToken);
  await assert.rejects(tokens.verifyAccess(resigned(access)), isInvalidToken);
  clock.advance(900_000);
  await assert.rejects(tokens.verifyAccess(access), isInvalidToken);
  const late = await tokens.mintRefresh({
    ...{ ...subject, counter: 5, issuedAt },
    expiresAt: issuedAt + 901_000,
  });
  clock.advance(1_000);
  await assert.rejects(tokens.verifyRefresh(late), isInvalidToken);
});

Deno.test("mintAccess, mintRefresh: with a shared secret, byte for byte what the library makes of the same claims", async () => {
  const now = clock.now();
  for (
    const token of [
      await tokens.mintAccess({ ...subject, email: "adä+x@acme.example" }),
      await tokens.mintRefresh({ ...subject, counter: 2, issuedAt: now, expiresAt: now + 1e6 }),
    ]
  ) {
    const header = { alg: "HS256", kid: keys.signing.kid, typ: "JWT" };
    assert.deepEqual(decodeProtectedHeader(token), header);
    const again = new SignJWT(decodeJwt(token)).setProtectedHeader(header);
    assert.equal(await again.sign(new TextEncoder().encode(secret)), token);
  }
});
