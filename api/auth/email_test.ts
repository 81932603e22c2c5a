import assert from "node:assert/strict";
import fc from "fast-check";
import "../../tests/support/fixed_seed.ts";
import { normalisedEmail } from "./email.ts";

Deno.test("normalisedEmail: one form for every spelling", () => {
  const cases: [string, string | undefined][] = [
    [" Ada@ACME.Example ", "ada@acme.example"],
    ["ada@bücher.example", "ada@xn--bcher-kva.example"],
    ["ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"],
    ["ada@BÜCHER.example", "ada@xn--bcher-kva.example"],
    ["ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"],
    ["Jose\u0301@acme.example", "jos\u00e9@acme.example"],
    ["ada+tag@acme.example", "ada+tag@acme.example"],
    ["ada", undefined],
    ["@acme.example", undefined],
    ["ada@", undefined],
    ["a@b@c.example", undefined],
    ["ada@acme.example/evil.example", undefined],
    ["ada@acme.example:25", undefined],
    ["ada@%61cme.example", undefined],
    ["ada@acme .example", undefined],
    ["ada@⑴.example", undefined],
    ["ada@xn--a.example", undefined],
    ["ada lovelace@acme.example", undefined],
    ["a\u0000@acme.example", undefined],
    ["\ud800@acme.example", undefined],
    // What a mail library would read as another recipient, or as several.
    ...[...'",;:<>()[]\\'].map((
      char,
    ): [string, undefined] => [`a${char}b@acme.example`, undefined]),
    // What nobody sees: zero width, a mark of direction, a soft hyphen, a filler, a variation, a tag.
    ...[0x200b, 0x200d, 0xfeff, 0x202e, 0xad, 0x3164, 0xfe0f, 0xe0061, 0x34f].map(
      (point): [string, undefined] => [`ad${String.fromCodePoint(point)}a@acme.example`, undefined],
    ),
    // The same mailbox once more.
    ["ada@acme.example.", undefined],
    ["ada@acme..example", undefined],
    ["ada@.acme.example", undefined],
    ["x".repeat(65) + "@acme.example", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(normalisedEmail(text), expected, text);
});

Deno.test("normalisedEmail: what it made is a form of its own", () => {
  const part = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(part, part, (local, domain) => {
      const once = normalisedEmail(`${local}@${domain}.example`);
      if (once !== undefined) assert.equal(normalisedEmail(once), once);
    }),
    { numRuns: 2_000 },
  );
});
