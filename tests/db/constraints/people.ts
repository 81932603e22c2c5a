import {
  atLeast,
  characters,
  octets,
  oneOf,
  pattern,
  printable,
  type Rule,
  sha256,
  within,
} from "./shapes.ts";

const f = (length: number) => "f".repeat(length);
const salted = f(53);

/** Where a row is to be written to: lower case, one @, at most 254 octets of it in all. */
const address = pattern(
  "email",
  [
    "",
    "a",
    "a@",
    "@b",
    "A@b.example",
    "a@B.example",
    "a b@c",
    "a@b@c",
    "a@b\n",
    `${f(65)}@b`,
    `a@${f(190)}`,
  ],
  ["a@b", `${f(64)}@${f(189)}`],
);
/** Looked at before it comes here, and only kept from growing. */
const shortAddress = pattern("email", ["A@b.example", f(255)], ["a@b.example", f(254)]);
const argon2 = ["$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$a$b"];
const sealedFactor: Rule = octets("sealed_secret", 49, 49);
const keyName: Rule = pattern("key_id", [
  "",
  f(15),
  f(17),
  f(16).toUpperCase(),
  `${f(15)}g`,
  `${f(16)}\n`,
], [f(16)]);
const recent: Rule = {
  refuses: ["recent = array_fill(now(), array[6])"],
  takes: ["recent = '{}'", "recent = array_fill(now(), array[5])"],
};

/** Users, and everything that proves who somebody is. */
export const people: Record<string, Rule> = {
  users_email_is_normalised: address,
  users_locale_is_known: oneOf("locale", ["en", "fr"]),
  users_name_is_printable: printable("name", 0, 200),
  users_password_is_hashed: pattern(
    "password_hash",
    [
      "",
      "Quince-marmalade",
      "$argon2i$v=19$",
      `$2b$09$${salted}`,
      `$2b$15$${salted}`,
      `$2x$10$${salted}`,
      `$2b$10$${salted}f`,
      `$2b$10$${f(52)}`,
      `$2b$10$${f(52)}=`,
      `$2b$10$${salted}\n`,
    ],
    [...argon2, `$2a$10$${salted}`, `$2b$14$${salted}`, `$2y$12$${salted}`],
  ),
  users_phone_is_e164: pattern(
    "phone",
    ["", "+", "+123456", "+0123456", "1234567", "+1234567890123456", "+1 234567", "+1234567\n"],
    ["+1234567", "+123456789012345"],
  ),
  users_status_is_known: oneOf("status", ["active", "inactive"]),

  sessions_device_name_is_printable: printable("device_name", 0, 64),
  sessions_end_has_a_reason: {
    refuses: ["ended_at = now()", "ended_reason = 'logout'"],
    takes: ["ended_at = now(), ended_reason = 'logout'"],
  },
  sessions_ended_reason_is_known: oneOf("ended_reason", [
    "logout",
    "refresh_reuse",
    "terminated",
    "password_changed",
    "deactivated",
    "limit",
    "revoked",
    "mfa_changed",
    "mfa_reset",
    "mfa_missing",
  ], { beside: "ended_at = now()" }),
  sessions_last_at_most_30_days: within("expires_at", "30 days"),
  sessions_refresh_counter_counts_up: atLeast("refresh_counter", 0),
  sessions_refresh_ends_with_the_session: within("refresh_expires_at", "0", { of: "expires_at" }),
  sessions_user_agent_is_cut: characters("user_agent", 0, 256),

  invitations_email_is_normalised: address,
  invitations_last_at_most_a_week: {
    refuses: [
      ...within("expires_at", "7 days").refuses,
      "expires_at = created_at",
    ],
    takes: [
      ...within("expires_at", "7 days").takes,
      "expires_at = created_at + interval '1 microsecond'",
    ],
  },
  invitations_locale_is_known: oneOf("locale", ["en", "fr"]),
  invitations_name_is_printable: printable("name", 0, 200),
  invitations_token_is_a_sha256: sha256("token_digest"),

  registrations_email_is_normalised: shortAddress,
  registrations_last_a_day: within("expires_at", "1 day"),
  registrations_locale_is_known: oneOf("locale", ["en", "fr"]),
  registrations_name_is_printable: printable("name", 0, 200),
  registrations_password_is_hashed: pattern("password_hash", [
    "",
    "Quince",
    "$argon2i$",
    `$2b$10$${salted}`,
  ], argon2),
  registrations_token_is_a_sha256: sha256("token_digest"),

  one_time_tokens_email_is_normalised: shortAddress,
  one_time_tokens_last_a_day: within("expires_at", "1 day"),
  one_time_tokens_purpose_is_known: oneOf("purpose", [
    "password_reset",
    "password_reset_own",
    "verify_email",
    "verify_email_own",
  ]),
  one_time_tokens_token_is_a_sha256: sha256("token_digest"),

  login_attempts_identifier_is_a_sha256: sha256("identifier_digest"),
  login_attempts_of_every_source_are_none: {
    refuses: [
      "source = '*'",
      "outcome = 'unlocked'",
      "outcome = 'alarmed'",
      "outcome = 'locked', source = '*'",
    ],
    takes: [
      "outcome = 'unlocked', source = '*'",
      "outcome = 'alarmed', source = '*'",
      "source = '**'",
    ],
  },
  login_attempts_outcome_is_known: oneOf("outcome", ["succeeded", "failed", "locking", "locked"]),
  login_attempts_source_is_short: characters("source", 1, 64),
  login_challenges_device_name_is_printable: printable("device_name", 0, 64),
  login_challenges_kind_is_known: oneOf("kind", ["mfa_session", "mfa_setup"]),
  login_challenges_last_at_most_15_minutes: within("expires_at", "15 minutes"),

  mfa_attempts_failures_are_counted: atLeast("failures", 0),
  mfa_attempts_kind_is_known: oneOf("kind", ["totp", "recovery"]),
  mfa_attempts_recent_are_few: recent,
  mfa_attempts_way_is_known: oneOf("way", ["own", "other"]),
  mfa_factors_key_is_named: keyName,
  mfa_factors_secret_is_sealed: sealedFactor,
  mfa_factors_step_is_counted: {
    // It stands before all that an update could do.
    arrange: "alter table mfa_factors disable trigger mfa_factors_use_up_steps",
    ...atLeast("last_step", 0),
  },
  mfa_pending_factors_key_is_named: keyName,
  mfa_pending_factors_secret_is_sealed: sealedFactor,
  mfa_recovery_codes_digest_is_a_sha256: sha256("digest"),
  mfa_recovery_codes_key_is_named: keyName,
  mfa_source_attempts_kind_is_known: oneOf("kind", ["totp", "recovery"]),
  mfa_source_attempts_recent_are_few: recent,
  mfa_source_attempts_source_is_short: characters("source", 1, 64),
  mfa_trusted_devices_device_name_is_printable: printable("device_name", 0, 64),
  mfa_trusted_devices_last_at_most_30_days: within("expires_at", "30 days"),
  mfa_trusted_devices_token_is_a_sha256: sha256("token_digest"),
  mfa_trusted_devices_user_agent_is_cut: characters("user_agent", 0, 256),
};
