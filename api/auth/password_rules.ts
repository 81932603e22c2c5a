import type { TenantSql } from "../database/tenancy.ts";
import { ApiError, type FieldError } from "../errors.ts";
import type { BreachCheck } from "./breach_check.ts";
import type { PasswordStrength } from "./password_strength.ts";

type Fault = Pick<FieldError, "code" | "message">;

/**
 * What a tenant asks of a new password. `composition`: 8 characters and more, of four kinds. `length`: 15 and
 * more of any kind, as NIST SP 800-63B-4 (section 3.1.1.2) has it.
 */
export type PasswordPolicy = "composition" | "length";

export const passwordPolicies = ["composition", "length"] as const satisfies PasswordPolicy[];

export interface PasswordRules {
  policy: PasswordPolicy;
  /** Words of the tenant's own, its slug and its name: a password must not live on them. */
  words: string[];
}

/** The rules of the transaction's tenant. */
export async function readPasswordRules(sql: TenantSql): Promise<PasswordRules> {
  const [row] = await sql<[{ policy: PasswordPolicy; slug: string; name: string }]>`
    select password_policy as policy, slug, name from tenants where id = (select current_tenant_id())`;
  return { policy: row.policy, words: [row.slug, row.name] };
}

/** Decides whether a password may be set. */
export interface PasswordChecks {
  /**
   * Judges a new password; for outside a transaction, because it takes its time and may ask another server.
   * @param about.path the field it came in, dotted
   * @param about.personal what the user is known by: address and name
   * @throws {ApiError} `invalid_input` naming that field; `overloaded`
   */
  check(
    rules: PasswordRules,
    password: string,
    about: { path: string; personal: readonly string[] },
  ): Promise<void>;
}

const shortest: Record<PasswordPolicy, number> = { composition: 8, length: 15 };
const longest = 128;
/** What has to be left of a password without the words that anybody would try first. */
const leastOwn = 8;

/**
 * The form that a password is judged and hashed in: NFKC, so that the same characters typed on another keyboard
 * are the same password.
 */
export function normalisedPassword(password: string): string {
  return password.normalize("NFKC");
}

/** Length in Unicode code points of the normalised form. */
function lengthOf(normalised: string): number {
  return [...normalised].length;
}

const kinds: readonly (readonly [RegExp, string, string])[] = [
  [/\p{Lu}/u, "no_upper", "must have an upper-case letter"],
  [/\p{Ll}/u, "no_lower", "must have a lower-case letter"],
  [/\p{Nd}/u, "no_digit", "must have a digit"],
  [/[^\p{L}\p{N}]/u, "no_special", "must have a character that is neither letter nor digit"],
];

/**
 * What of a password breaks the rules that need nothing but itself.
 * @returns codes and messages; empty where none is broken
 */
export function brokenRules(
  rules: PasswordRules,
  password: string,
  personal: readonly string[],
): Fault[] {
  // Halves of characters would all be hashed as the same replacement.
  if (!password.isWellFormed()) {
    return [{ code: "malformed", message: "must be whole Unicode characters" }];
  }
  const normalised = normalisedPassword(password);
  const length = lengthOf(normalised);
  const least = shortest[rules.policy];
  const broken = [];
  if (length < least) broken.push({ code: "too_short", message: `must have ${least} characters` });
  if (length > longest) {
    broken.push({ code: "too_long", message: `must have at most ${longest} characters` });
  }
  if (rules.policy === "composition") {
    for (const [has, code, message] of kinds) {
      if (!has.test(normalised)) broken.push({ code, message });
    }
  }
  const own = withoutWords(normalised, tellingWords([...rules.words, ...personal]));
  if (broken.length === 0 && lengthOf(own) < leastOwn) {
    broken.push({
      code: "personal",
      message: "must not be made of names that belong to you or are known here",
    });
  }
  return broken;
}

/** The single words of names and addresses, longest first; what is too short to tell anything is left out. */
function tellingWords(texts: readonly string[]): string[] {
  const whole = texts.map((text) => text.normalize("NFKC").toLowerCase());
  const parts = whole.flatMap((text) => text.split(/[^\p{L}\p{N}]+/u));
  return [...new Set(["massacorp", ...whole, ...parts])]
    .filter((word) => word.length >= 3)
    .sort((a, b) => b.length - a.length);
}

const lookalikes: Record<string, string> = {
  "0": "o",
  "1": "l",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  "$": "s",
  "!": "i",
};

/** The password without the words, however they are capitalised or dressed up with digits. */
function withoutWords(normalised: string, words: readonly string[]): string {
  let left = normalised.toLowerCase();
  for (const word of words) left = left.replaceAll(word, "");
  let plain = left.replace(/[013457@$!]/g, (char) => lookalikes[char] ?? char);
  for (const word of words) {
    for (let at = plain.indexOf(word); at >= 0; at = plain.indexOf(word)) {
      plain = plain.slice(0, at) + plain.slice(at + word.length);
    }
  }
  return plain;
}

/** Guesses, as a power of ten, that a password has to withstand: zxcvbn's score of 3 of 4. */
const leastGuessesLog10 = 8;

/** The rules, then the strength, then the breaches: what costs most comes last. */
export function createPasswordChecks(
  options: {
    strength: PasswordStrength;
    breaches: BreachCheck | null;
    /** Words of this installation: its products, projects and places. */
    words: readonly string[];
  },
): PasswordChecks {
  async function faults(
    { policy, words: tenants }: PasswordRules,
    password: string,
    personal: readonly string[],
  ): Promise<Fault[]> {
    const rules = { policy, words: [...tenants, ...options.words] };
    const broken = brokenRules(rules, password, personal);
    if (broken.length > 0) return broken;
    const normalised = normalisedPassword(password);
    const words = tellingWords([...rules.words, ...personal]);
    const { guessesLog10, listed } = await options.strength.judge(normalised, words);
    if (listed) return [{ code: "too_common", message: "is in every list of passwords" }];
    if (guessesLog10 < leastGuessesLog10) {
      return [{ code: "too_weak", message: "is too easy to guess" }];
    }
    return await options.breaches?.isBreached(normalised)
      ? [{ code: "breached", message: "is known from a breach of another service" }]
      : [];
  }
  return {
    async check(rules, password, { path, personal }) {
      const errors = await faults(rules, password, personal);
      if (errors.length === 0) return;
      throw new ApiError("invalid_input", { errors: errors.map((fault) => ({ path, ...fault })) });
    },
  };
}
