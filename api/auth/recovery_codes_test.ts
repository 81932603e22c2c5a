import assert from "node:assert/strict";
import { Secret } from "../../lib/secret.ts";
import { createRecoveryDigests, newRecoveryCodes, readRecoveryCode } from "./recovery_codes.ts";

const key = () => new Secret(crypto.getRandomValues(new Uint8Array(32)));
const owner = { tenantId: 1, userId: 2 };

Deno.test("newRecoveryCodes: ten different ones of nine characters, and every letter comes up", () => {
  const seen = new Set<string>();
  for (let n = 0; n < 100; n++) {
    const codes = newRecoveryCodes();
    assert.equal(new Set(codes).size, 10);
    for (const code of codes) {
      assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
      for (const char of code) seen.add(char);
    }
  }
  assert.equal(seen.size, 33, "32 characters and the hyphen");
});

Deno.test("readRecoveryCode: takes what a person types for it, and nothing else", () => {
  for (const typed of ["7Q2M-XK4D", "7q2mxk4d", "7q2m xk4d", "7Q2MXK4D"]) {
    assert.equal(readRecoveryCode(typed), "7Q2MXK4D", typed);
  }
  assert.equal(readRecoveryCode("oO0i-Il1L"), "00011111");
  for (
    const typed of ["", "123456", "7Q2M-XK4", "7Q2M-XK4U", "7Q2M-XK4Ñ", "７Q2MXK4D", "7Q2MXK4D7"]
  ) {
    assert.equal(readRecoveryCode(typed), undefined, typed);
  }
});

Deno.test("createRecoveryDigests: A6: a digest takes the key, and is one user's", async () => {
  const [old, next] = [key(), key()];
  const before = await createRecoveryDigests([old]);
  const during = await createRecoveryDigests([next, old]);
  const made = await before.digest("7Q2MXK4D", owner);
  const found = (await during.candidates("7Q2MXK4D", owner)).map(({ digest }) => digest.toHex());
  assert.equal(found.length, 2);
  assert.ok(found.includes(made.digest.toHex()));
  const others = [
    ...await during.candidates("7Q2MXK4E", owner),
    ...await during.candidates("7Q2MXK4D", { tenantId: 2, userId: 2 }),
    ...await during.candidates("7Q2MXK4D", { tenantId: 1, userId: 3 }),
    ...await (await createRecoveryDigests([next])).candidates("7Q2MXK4D", owner),
  ];
  assert.ok(others.every(({ digest }) => digest.toHex() !== made.digest.toHex()));
});
