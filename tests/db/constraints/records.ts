import { atLeast, both, characters, octets, oneOf, pattern, type Rule, sha256 } from "./shapes.ts";

const f = (length: number) => "f".repeat(length);
const object = (column: string): Rule => ({
  refuses: ["[]", "null", "1", '"a"'].map((json) => `${column} = '${json}'`),
  takes: ["{}", '{"a": []}'].map((json) => `${column} = '${json}'`),
});
/** As text, of so many octets in all. */
const details = (octets: number) => `details = jsonb_build_object('a', repeat('x', ${octets - 9}))`;

/** What is written down of what happened, and mails that wait. */
export const records: Record<string, Rule> = {
  audit_chains_hash_is_a_sha256: sha256("hash"),
  audit_chains_receipt_is_an_object: object("receipt"),
  audit_log_action_is_dotted: pattern(
    "action",
    ["", "a", "a.", ".a", "a..b", "A.b", "a.1", "a.b\n"],
    ["a.b", "a_b.c.d_"],
  ),
  audit_log_actor_is_known: oneOf(
    "actor",
    ["user", "api_key", "operator", "daemon", "anonymous"],
    { beside: "actor_user_id = 1" },
  ),
  audit_log_details_are_an_object: object("details"),
  audit_log_details_are_bounded: { refuses: [details(131_073)], takes: [details(131_072)] },
  audit_log_outcome_is_known: oneOf("outcome", ["succeeded", "refused", "failed"]),
  audit_log_user_actor_has_an_id: {
    refuses: ["actor = 'user'", "actor = 'api_key'"],
    takes: ["actor = 'user', actor_user_id = 1", "actor = 'daemon'", "actor = 'anonymous'"],
  },
  audit_sealer_is_one_row: { refuses: ["only_one = false"], takes: ["only_one = true"] },
  audit_seals_count_from_one: atLeast("seq", 1),
  audit_seals_hashes_are_sha256: both(sha256("hash"), sha256("entry_hash")),

  idempotency_keys_key_is_printable: pattern("key", ["", "a b", "é", "a\n", f(256)], [
    "!~",
    f(255),
  ]),
  idempotency_keys_principal_is_known: pattern(
    "principal",
    [
      "",
      "user:",
      "user:1a",
      "user:1\n",
      "operator:1",
      `api_key:${f(35)}`,
      `api_key:${f(37)}`,
      `invitation:${f(63)}`,
    ],
    ["operator", "user:1", `api_key:${f(36)}`, `invitation:${f(64)}`],
  ),
  idempotency_keys_request_is_a_sha256: sha256("request_digest"),

  mails_attempts_count_up: atLeast("attempts", 0),
  mails_dead_have_a_reason: {
    refuses: ["state = 'dead', finished_at = now(), sealed_letter = null"],
    takes: ["state = 'dead', finished_at = now(), sealed_letter = null, failure = ''"],
  },
  mails_failure_is_short: characters("failure", 0, 100),
  mails_finish_at_a_time: {
    refuses: ["finished_at = now()", "state = 'sent', sealed_letter = null"],
    takes: ["state = 'sent', sealed_letter = null, finished_at = now()"],
  },
  mails_letter_goes_when_finished: {
    refuses: ["sealed_letter = null", "state = 'sent', finished_at = now()"],
    takes: ["state = 'withdrawn', sealed_letter = null, finished_at = now()"],
  },
  mails_letter_is_bounded: octets("sealed_letter", 30, 65_536),
  mails_request_id_is_safe_to_log: pattern(
    "request_id",
    ["", f(7), f(65), `${f(8)}\n`, `${f(8)} `, `${f(8)}é`],
    ["aZ09._-a", f(64)],
  ),
  mails_span_id_is_one: pattern("span_id", ["", f(15), f(17), `${f(15)}F`, `${f(16)}\n`], [f(16)]),
  mails_state_is_known: both(
    { refuses: [], takes: ["state = 'queued'"] },
    oneOf("state", ["sent", "dead", "withdrawn"], {
      beside: "finished_at = now(), sealed_letter = null, failure = 'refused'",
    }),
  ),
  mails_template_is_a_name: pattern("template", ["", "A", "a-b", "a1", "a\n", f(41)], [
    "a_",
    f(40),
  ]),
  mails_trace_id_is_one: pattern("trace_id", ["", f(31), f(33), `${f(31)}F`, `${f(32)}\n`], [
    f(32),
  ]),
};
