import { type ErrorCode, problemTypes } from "../errors.ts";
import type { JsonSchema } from "./json_schema.ts";

/** What of an operation decides which refusals are common to its kind. */
export interface Kind {
  /** It takes a token or a key. */
  authenticated: boolean;
  /** Being logged in is not enough. */
  permitted: boolean;
  stepUp: boolean;
  takesBody: boolean;
  /** Of its path, whose ids may be unknown. */
  takesParams: boolean;
  takesQuery: boolean;
  /** Below `/api`, where the tunnel decides who comes in. */
  behindTunnel: boolean;
  /** Names a tenant by header. */
  namesTenant: boolean;
  repeatable: boolean;
}

/** Codes that go without saying, by the status that an operation says it answers. */
const common: Record<number, [ErrorCode, (kind: Kind) => boolean][]> = {
  400: [
    ["malformed_json", (kind) => kind.takesBody],
    ["invalid_encoding", (kind) => kind.takesBody],
    ["tenant_required", (kind) => kind.namesTenant],
  ],
  401: [["invalid_token", (kind) => kind.authenticated]],
  403: [
    ["forbidden", (kind) => kind.authenticated],
    ["step_up_required", (kind) => kind.stepUp],
    ["tenant_mismatch", (kind) => kind.authenticated],
    ["wrong_tunnel", (kind) => kind.behindTunnel],
    ["enrolment_only", (kind) => kind.behindTunnel],
    ["https_required", () => true],
  ],
  404: [["not_found", () => true]],
  406: [["not_acceptable", () => true]],
  408: [["request_timeout", () => true]],
  413: [["body_too_large", () => true]],
  415: [["unsupported_media_type", () => true]],
  421: [["unknown_host", () => true]],
  422: [
    ["invalid_input", () => true],
    ["idempotency_key_reused", (kind) => kind.repeatable],
  ],
  429: [["rate_limited", () => true]],
  500: [["internal_error", () => true]],
  503: [["database_unavailable", () => true], ["overloaded", () => true]],
};

/** Every code that an operation can answer with a status: the common ones and those that it names itself. */
export function codesOf(status: number, named: readonly ErrorCode[], kind: Kind): ErrorCode[] {
  const usual = (common[status] ?? []).filter(([, applies]) => applies(kind)).map(([code]) => code);
  const codes = [...new Set([...usual, ...named])];
  if (codes.length === 0) throw new Error(`nothing says which codes a ${status} has`);
  return codes;
}

/** Statuses that an operation can answer because of its kind: the chain before it gives them. */
export function statusesOf(kind: Kind): string[] {
  return [
    ...["421", "429", "500"],
    ...(kind.authenticated ? ["401"] : []),
    ...(kind.authenticated || kind.behindTunnel ? ["403", "503"] : []),
    ...(kind.takesBody ? ["400", "408", "413", "415", "422"] : []),
    ...(kind.takesQuery ? ["422"] : []),
    ...(kind.takesParams ? ["404"] : []),
    ...(kind.namesTenant ? ["400"] : []),
    // The operator names a tenant that there is not, to whichever operation.
    ...(kind.authenticated ? ["404"] : []),
  ];
}

/** A problem document with a code, as a client may meet it. */
export function problemExample(code: ErrorCode): Record<string, unknown> {
  const { status, title } = problemTypes[code];
  return {
    type: `urn:massacorp:problem:${code}`,
    title,
    status,
    code,
    request_id: "0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d",
    ...(code === "challenge_required"
      ? { challenge: { kind: "proof_of_work", challenge: "example.challenge", bits: 20 } }
      : {}),
    ...(code === "invalid_input"
      ? {
        errors: [{
          path: "name",
          code: "invalid_format",
          message: "must have no control characters",
        }],
      }
      : {}),
  };
}

const uint = (description: string): { description: string; schema: JsonSchema } => ({
  description,
  schema: { type: "integer", format: "int32", minimum: 0, maximum: 2 ** 31 - 1, examples: [1] },
});

const text = (description: string, example: string, maxLength: number) => ({
  description,
  schema: { type: "string", maxLength, examples: [example] },
});

/** Headers of answers, by the names of their components. */
export const headerComponents = {
  "X-Request-ID": text(
    "The id of the request: the caller's, where it has 8 to 64 of `A-Za-z0-9._-`",
    "0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d",
    64,
  ),
  "RateLimit": text(
    "What is left of the quota, and seconds until it is whole again; not on the operator's socket",
    '"authenticated";r=1199;t=60',
    100,
  ),
  "RateLimit-Policy": text(
    "The quota that the request was counted against; not on the operator's socket",
    '"authenticated";q=1200;w=60',
    100,
  ),
  "Location": text("The same at the public origin", "https://vpn.example.com/api/v1/info", 8000),
  "Retry-After": uint("Seconds after which a retry makes sense"),
  "WWW-Authenticate": text("What is asked for", 'Bearer realm="massacorp"', 200),
};

/** The headers that an answer of a status has, as references. */
export function headersOf(status: number): Record<string, JsonSchema> {
  const names = ["X-Request-ID", "RateLimit", "RateLimit-Policy"];
  if (status === 429 || status === 503) names.push("Retry-After");
  if (status === 401) names.push("WWW-Authenticate");
  return Object.fromEntries(
    names.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}
