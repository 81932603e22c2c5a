import assert from "node:assert/strict";
import { base32, findTotpStep, newTotpSecret, otpauthUri, totpCode } from "./totp.ts";

const encoder = new TextEncoder();
const seeds = {
  sha1: encoder.encode("12345678901234567890"),
  sha256: encoder.encode("12345678901234567890123456789012"),
  sha512: encoder.encode("1234567890123456789012345678901234567890123456789012345678901234"),
} as const;

/** RFC 6238, appendix B, every row. */
const vectors = [
  [59, "94287082", "46119246", "90693936"],
  [1111111109, "07081804", "68084774", "25091201"],
  [1111111111, "14050471", "67062674", "99943326"],
  [1234567890, "89005924", "91819424", "93441116"],
  [2000000000, "69279037", "90698825", "38618901"],
  [20000000000, "65353130", "77737706", "47863826"],
] as const;

Deno.test("totpCode: A3: every vector of RFC 6238, with each of its three hashes", () => {
  for (const [seconds, sha1, sha256, sha512] of vectors) {
    for (const [algorithm, expected] of Object.entries({ sha1, sha256, sha512 })) {
      assert(algorithm === "sha1" || algorithm === "sha256" || algorithm === "sha512");
      const code = totpCode(seeds[algorithm], seconds * 1000, { digits: 8, algorithm });
      assert.equal(code, expected, `${algorithm} at ${seconds}`);
    }
    // Six digits are the last six of eight.
    assert.equal(totpCode(seeds.sha1, seconds * 1000), sha1.slice(2));
  }
});

Deno.test("findTotpStep: A3: takes the step before, the present and the next, and says which it was", () => {
  // No random one: of a million codes two steps may have the same.
  const secret = seeds.sha1;
  const step = 59_000_000;
  const at = step * 30_000;
  for (const within of [0, 1, 29_999]) {
    for (const offset of [-2, -1, 0, 1, 2]) {
      const code = totpCode(secret, at + offset * 30_000);
      const expected = Math.abs(offset) <= 1 ? step + offset : undefined;
      assert.equal(findTotpStep(secret, code, at + within), expected, `${offset} at +${within}`);
    }
  }
  assert.equal(findTotpStep(seeds.sha256, totpCode(secret, at), at), undefined);
});

Deno.test("base32: the vectors of RFC 4648, and 160 bits in 32 characters", () => {
  assert.equal(base32(encoder.encode("fooba")), "MZXW6YTB");
  const secret = newTotpSecret();
  assert.equal(secret.length, 20);
  assert.match(base32(secret), /^[A-Z2-7]{32}$/);
});

Deno.test("otpauthUri: has the secret once, and names tenant and user", () => {
  const secret = new Uint8Array(20);
  assert.equal(
    otpauthUri(secret, { tenantSlug: "acme", email: "a:b&c=d@acme.example" }),
    `otpauth://totp/MassaCorp%20acme:a.b%26c%3Dd%40acme.example?secret=${
      "A".repeat(32)
    }&issuer=MassaCorp%20acme`,
  );
});
