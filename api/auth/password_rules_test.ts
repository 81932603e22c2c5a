import assert from "node:assert/strict";
import { pauseFor } from "../../lib/pause.ts";
import { ApiError } from "../errors.ts";
import {
  brokenRules,
  createPasswordChecks,
  type PasswordChecks,
  type PasswordPolicy,
} from "./password_rules.ts";
import { createPasswordStrength } from "./password_strength.ts";

const rulesOf = (policy: PasswordPolicy) => ({ policy, words: ["acme", "The Acme Company"] });
const personal = ["ada.lovelace@acme.example", "Ada Lovelace"];
const codes = (policy: PasswordPolicy, password: string) =>
  brokenRules(rulesOf(policy), password, personal).map(({ code }) => code);

Deno.test("brokenRules: composition asks for 8 characters of four kinds, and names each that is missing", () => {
  assert.deepEqual(codes("composition", "tR0ub!er"), []);
  assert.deepEqual(codes("composition", "tR0ub!e"), ["too_short"]);
  assert.deepEqual(codes("composition", "short"), [
    "too_short",
    "no_upper",
    "no_digit",
    "no_special",
  ]);
  assert.deepEqual(codes("composition", "ЖЫВОТНОЕ٣ "), ["no_lower"], "letters of any script");
  assert.deepEqual(codes("composition", "SHOUT123!"), ["no_lower"]);
});

Deno.test("brokenRules: length asks for 15 characters of any kind", () => {
  assert.deepEqual(codes("length", "fourteenletter"), ["too_short"]);
  assert.deepEqual(codes("length", "fifteen letters"), []);
});

Deno.test("brokenRules: a character is a code point of the normalised form, and 128 are the most", () => {
  assert.deepEqual(codes("length", "🐎".repeat(15)), []);
  assert.deepEqual(codes("length", "🐎".repeat(14)), ["too_short"]);
  assert.deepEqual(codes("length", "e\u0301".repeat(14)), ["too_short"], "14 once composed");
  assert.deepEqual(codes("length", "🐎".repeat(128)), []);
  assert.deepEqual(codes("length", "🐎".repeat(129)), ["too_long"]);
  assert.deepEqual(codes("length", "\ufdfa".repeat(8)), ["too_long"], "18 characters each");
  assert.deepEqual(codes("length", "half a horse \ud83d here"), ["malformed"]);
});

Deno.test("brokenRules: what is left without names of the user and the tenant has to be 8 characters", () => {
  for (const password of ["Ada@ACME2024!", "L0v3l4c3-@cm3-99", "massacorp-Ada-1!", "MassaCorp1!"]) {
    assert.deepEqual(codes("composition", password), ["personal"], password);
  }
  assert.deepEqual(codes("composition", "Ada-tR0ub!er"), [], "8 are left");
  // Names may hold anything; only whole words of three letters and more count.
  const odd = { policy: "composition" as const, words: ["(.*)+$", "a", "\\", ""] };
  assert.deepEqual(brokenRules(odd, "tR0ub!er", ["[^]"]), []);
});

Deno.test("check: words of the installation count as names do, beside those of tenant and user", async () => {
  const strength = createPasswordStrength();
  const checks = createPasswordChecks({ strength, breaches: null, words: ["Zeppelin Quay"] });
  for (const password of ["Z3pp3lin-Quay-7!", "ZeppelinQuay2026!", "quay-Lovelace-9!"]) {
    assert.deepEqual(
      await refused(checks, password, "composition"),
      ["new_password: personal"],
      password,
    );
  }
  assert.deepEqual(await refused(checks, "Zeppelin-tR0ub!erQ", "composition"), []);
  strength.close();
});

async function refused(checks: PasswordChecks, password: string, policy: PasswordPolicy) {
  const about = { path: "new_password", personal };
  try {
    await checks.check(rulesOf(policy), password, about);
    return [];
  } catch (error) {
    assert(error instanceof ApiError);
    assert.equal(error.code, "invalid_input");
    assert(!JSON.stringify(error.errors).includes(password));
    return (error.errors ?? []).map(({ path, code }) => `${path}: ${code}`);
  }
}

Deno.test("check: what every list has, and what is easy to guess, is refused under both policies", async () => {
  const strength = createPasswordStrength();
  const checks = createPasswordChecks({ strength, breaches: null, words: [] });
  try {
    const wanted: [PasswordPolicy, string, string[]][] = [
      ["composition", "P@ssw0rd", ["new_password: too_common"]],
      ["composition", "drowssaP1!", ["new_password: too_weak"]],
      ["composition", "Password123!", ["new_password: too_weak"]],
      ["composition", "Bonjour1234!", ["new_password: too_weak"]],
      ["composition", "Qwertyuiop1!", ["new_password: too_weak"]],
      ["composition", "aB1!".repeat(4), ["new_password: too_weak"]],
      ["length", "passwordpassword", ["new_password: too_weak"]],
      ["length", "a".repeat(128), ["new_password: too_weak"]],
      ["length", "123456789123456789", ["new_password: too_weak"]],
      ["composition", "x9K#mQ2$vLp8", []],
      ["length", "correct horse battery staple", []],
      // Its beginning tells nothing; its end does.
      ["length", "a".repeat(60) + "x9K#mQ2$vLp8", []],
    ];
    for (const [policy, password, expected] of wanted) {
      assert.deepEqual(await refused(checks, password, policy), expected, password);
    }
  } finally {
    strength.close();
  }
});

Deno.test("check: the longest and most contrived password is judged in bounded time, off the event loop", async () => {
  const strength = createPasswordStrength();
  try {
    let turns = 0;
    let over = false;
    const judged = strength.judge("4@8(3691!|0$57+2".repeat(8), ["acme"])
      .finally(() => over = true);
    while (!over) {
      await pauseFor(1);
      turns++;
    }
    assert((await judged).guessesLog10 > 8);
    assert(turns > 20, `the loop turned ${turns} times meanwhile`);
  } finally {
    strength.close();
  }
});

Deno.test("check: what cannot be judged is refused for now, not let through", async () => {
  const strength = createPasswordStrength();
  const checks = createPasswordChecks({ strength, breaches: null, words: [] });
  const about = { path: "p", personal: [] };
  const checked = checks.check(rulesOf("length"), "correct horse battery staple", about);
  strength.close();
  await assert.rejects(checked, { code: "overloaded" });
});
