import assert from "node:assert/strict";
import { generatePassword } from "./generate_password.ts";

Deno.test("generatePassword: 24 unmistakable characters, never the same twice, never printed", () => {
  const made = Array.from({ length: 200 }, () => generatePassword());
  const texts = made.map((password) => password.reveal());
  for (const text of texts) assert.match(text, /^[a-km-np-zA-HJ-NP-Z2-9]{24}$/);
  assert.equal(new Set(texts).size, texts.length);
  assert.equal(
    `${made[0]} ${JSON.stringify(made[0])} ${Deno.inspect(made[0])}`,
    '[secret] "[secret]" [secret]',
  );
});
