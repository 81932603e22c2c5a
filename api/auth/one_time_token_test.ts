import assert from "node:assert/strict";
import { createOneTimeToken, digestOneTimeToken, oneTimeToken } from "./one_time_token.ts";

Deno.test("createOneTimeToken: A6: 256 random bits, known by their digest, printed by no accident", async () => {
  const tokens = await Promise.all(Array.from({ length: 100 }, createOneTimeToken));
  const texts = tokens.map(({ text }) => text.reveal());
  assert.equal(new Set(texts).size, 100);
  for (const { text, digest } of tokens) {
    assert.equal(Uint8Array.fromBase64(text.reveal(), { alphabet: "base64url" }).length, 32);
    assert.ok(oneTimeToken.safeParse(text.reveal()).success);
    assert.deepEqual(await digestOneTimeToken(text.reveal()), digest);
    assert.doesNotMatch(`${text}${JSON.stringify({ text })}`, new RegExp(text.reveal()));
  }
});
