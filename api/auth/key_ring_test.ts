import assert from "node:assert/strict";
import {
  base64url,
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  SignJWT,
} from "jose";
import { FakeClock } from "../../tests/support/clock.ts";
import { asTenantId } from "../database/tenancy.ts";
import { ApiError } from "../errors.ts";
import { createKeyRing, type Jwk, jwkSet, type JwtAlgorithm } from "./key_ring.ts";
import { createTokens, type Tokens } from "./tokens.ts";

const clock = new FakeClock();
const subject = {
  tenantId: asTenantId(3),
  userId: 7,
  sessionId: "01890a5d-ac96-774b-bcce-b302099a8057",
  email: "ada@acme.example",
};
const identity = { tenantId: subject.tenantId, userId: 7, sessionId: subject.sessionId };

async function makeKey(alg: JwtAlgorithm, kid: string): Promise<Jwk> {
  const made = alg === "HS256"
    ? { kty: "oct", k: base64url.encode(crypto.getRandomValues(new Uint8Array(32))) }
    : await exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey);
  const [key] = jwkSet.parse({ keys: [{ ...made, alg, kid }] }).keys;
  assert(key);
  return key;
}

async function tokensOf(...keys: Jwk[]): Promise<Tokens> {
  return createTokens({
    keys: await createKeyRing(keys),
    issuer: "massacorp",
    accessSeconds: 900,
    clock,
  });
}

/** Claims that are ours in everything but the signature. */
async function forge(
  header: Record<string, unknown> & { alg: string },
  key: CryptoKey | Uint8Array,
): Promise<string> {
  const now = Math.floor(clock.now() / 1000);
  return await new SignJWT({
    sub: "7",
    tenant_id: 3,
    sid: subject.sessionId,
    type: "access",
    jti: "x",
    iss: "massacorp",
    aud: "massacorp",
    iat: now,
    exp: now + 60,
  }).setProtectedHeader({ typ: "JWT", ...header }).sign(key);
}

const isInvalidToken = (error: unknown) =>
  error instanceof ApiError && error.code === "invalid_token";

for (const alg of ["HS256", "RS256", "ES256", "EdDSA"] as const) {
  Deno.test(`key ring: ${alg} signs and verifies, and publishes no private part`, async () => {
    const tokens = await tokensOf(await makeKey(alg, "one"));
    const token = await tokens.mintAccess(subject);
    assert.deepEqual(await tokens.verifyAccess(token), identity);
    const [published] = tokens.published;
    if (alg === "HS256") return assert.equal(published, undefined);
    assert.deepEqual([published?.alg, published?.kid, published?.use], [alg, "one", "sig"]);
    for (const part of ["d", "p", "q", "dp", "dq", "qi", "k"]) {
      assert.ok(!(part in (published ?? {})));
    }
    // What is published is enough for somebody else to verify with.
    const outside = await createKeyRing([
      await makeKey("HS256", "own"),
      { ...jwkSet.shape.keys.element.parse(published) },
    ]);
    const elsewhere = createTokens({ keys: outside, issuer: "massacorp", accessSeconds: 1, clock });
    assert.deepEqual(await elsewhere.verifyAccess(token), identity);
  });
}

Deno.test("key ring: a rotation logs nobody out, in any order that processes restart in", async () => {
  const [old, next] = [await makeKey("HS256", "old"), await makeKey("ES256", "new")];
  const before = await tokensOf(old);
  const announced = await tokensOf(old, next);
  const rotated = await tokensOf(next, old);
  const after = await tokensOf(next);
  // One step at a time: neighbours understand one another, in both directions.
  for (const [a, b] of [[before, announced], [announced, rotated]] as const) {
    assert.deepEqual(await b.verifyAccess(await a.mintAccess(subject)), identity);
    assert.deepEqual(await a.verifyAccess(await b.mintAccess(subject)), identity);
  }
  assert.deepEqual(await rotated.verifyAccess(await after.mintAccess(subject)), identity);
  await assert.rejects(after.verifyAccess(await before.mintAccess(subject)), isInvalidToken);
});

Deno.test("key ring: a key works for its own algorithm alone", async (t) => {
  const rsa = await makeKey("RS256", "rsa");
  const ec = await makeKey("ES256", "ec");
  const tokens = await tokensOf(rsa, ec, await makeKey("HS256", "hs"));
  const publicRsa = tokens.published.find((key) => key.kid === "rsa");
  assert(publicRsa && "n" in publicRsa);
  const asCryptoKey = await importJWK({ ...publicRsa }, "RS256", { extractable: true });
  assert(!(asCryptoKey instanceof Uint8Array));
  const pem = new TextEncoder().encode(await exportSPKI(asCryptoKey));
  const der = base64url.decode(publicRsa["n"] ?? "");
  const own = await generateKeyPair("RS256", { extractable: true });
  const ownJwk = await exportJWK(own.publicKey);
  const signed = await tokens.mintAccess(subject);
  const [, payload = "", signature = ""] = signed.split(".");
  const header = (value: object) => base64url.encode(JSON.stringify(value));
  const forgeries: Record<string, string> = {
    "the public key's PEM as a shared secret": await forge({ alg: "HS256", kid: "rsa" }, pem),
    "the modulus as a shared secret": await forge({ alg: "HS256", kid: "rsa" }, der),
    "the public JWK as a shared secret": await forge(
      { alg: "HS256", kid: "rsa" },
      new TextEncoder().encode(JSON.stringify(publicRsa)),
    ),
    "a key in its own header": await forge(
      { alg: "RS256", kid: "rsa", jwk: ownJwk },
      own.privateKey,
    ),
    "a key at an address": await forge(
      { alg: "RS256", kid: "rsa", jku: "http://127.0.0.1:1/keys" },
      own.privateKey,
    ),
    "a key of nobody's": await forge({ alg: "RS256", kid: "mine" }, own.privateKey),
    "another algorithm of the same key": await forge(
      { alg: "RS512", kid: "rsa" },
      (await generateKeyPair("RS512")).privateKey,
    ),
    "none": `${header({ alg: "none", kid: "rsa" })}.${payload}.`,
    "None": `${header({ alg: "None", kid: "rsa", typ: "JWT" })}.${payload}.`,
    "none with a signature": `${header({ alg: "none", kid: "rsa" })}.${payload}.${signature}`,
    "no signature": `${signed.slice(0, signed.lastIndexOf("."))}.`,
    "a critical extension": `${
      header({ alg: "RS256", kid: "rsa", typ: "JWT", crit: ["x"], x: 1 })
    }.${payload}.${signature}`,
    "unencoded payload": `${
      header({ alg: "RS256", kid: "rsa", typ: "JWT", b64: false, crit: ["b64"] })
    }.${payload}.${signature}`,
    "a signature of zeros (CVE-2022-21449)": `${
      header({ alg: "ES256", kid: "ec", typ: "JWT" })
    }.${payload}.${base64url.encode(new Uint8Array(64))}`,
    "an encrypted token's shape": "e30.e30.e30.e30.e30",
  };
  for (const [name, token] of Object.entries(forgeries)) {
    await t.step(name, () => assert.rejects(tokens.verifyAccess(token), isInvalidToken));
  }
});

Deno.test("jwkSet: refuses what cannot be trusted to sign", async () => {
  const good = await makeKey("EdDSA", "a");
  assert.ok(jwkSet.safeParse({ keys: [good] }).success);
  assert(good.alg === "EdDSA");
  const { d: _, ...publicOnly } = good;
  for (
    const keys of [
      [publicOnly],
      [good, good],
      [],
      [{ ...good, alg: "ES256" }],
      [{ ...good, crv: "Ed448" }],
    ]
  ) {
    assert.ok(!jwkSet.safeParse({ keys }).success, JSON.stringify(keys.map(Object.keys)));
  }
});
