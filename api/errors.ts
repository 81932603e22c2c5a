import type { Demand } from "./auth/challenge.ts";

/** Every code that a client can meet, with the HTTP status and title it always has. Codes are stable. */
export const problemTypes = {
  malformed_json: { status: 400, title: "The body is not JSON" },
  invalid_encoding: { status: 400, title: "The body is not UTF-8" },
  tenant_required: { status: 400, title: "The X-Tenant-ID header is missing" },
  invalid_credentials: { status: 401, title: "The credentials are wrong" },
  invalid_token: { status: 401, title: "The token is missing, wrong or no longer good" },
  forbidden: { status: 403, title: "The permission is missing" },
  challenge_required: { status: 403, title: "Solve the challenge, and try again with its proof" },
  step_up_required: { status: 403, title: "Show your password or second factor again first" },
  grant_exceeds_own: { status: 403, title: "Nobody gives what he does not have" },
  tenant_mismatch: { status: 403, title: "The tenant is not that of the token" },
  wrong_tunnel: {
    status: 403,
    title: "The request came through a tunnel that it does not belong to",
  },
  registration_closed: { status: 403, title: "Nobody makes an account for himself here" },
  set_by_admin: { status: 403, title: "An admin decided so, and an admin alone can undo it" },
  https_required: { status: 403, title: "Only HTTPS is answered" },
  enrolment_only: { status: 403, title: "This tunnel is for enrolment and nothing else" },
  not_found: { status: 404, title: "There is no such thing" },
  not_acceptable: { status: 406, title: "The answer has none of the accepted types" },
  request_timeout: { status: 408, title: "The body did not arrive in time" },
  public_key_taken: { status: 409, title: "The public key is in use" },
  email_taken: { status: 409, title: "The e-mail address is in use" },
  too_many_roles: { status: 409, title: "No more roles can be made or given" },
  too_many_keys: { status: 409, title: "No more API keys can be made" },
  mfa_not_enabled: { status: 409, title: "There is no second factor" },
  mfa_not_set_up: { status: 409, title: "No second factor waits for its first code" },
  mfa_demanded: { status: 409, title: "A second factor is demanded of this user" },
  key_revoked: { status: 409, title: "The API key is revoked" },
  role_name_taken: { status: 409, title: "The tenant has a role of that name" },
  role_in_use: { status: 409, title: "Somebody has the role, or is invited to it" },
  system_role: { status: 409, title: "A role of the system stays as it is" },
  already_invited: { status: 409, title: "Somebody with that address is invited already" },
  tenant_not_suspended: { status: 409, title: "Only a suspended tenant can be removed" },
  platform_stays: { status: 409, title: "The platform's own tenant stays" },
  last_admin: { status: 409, title: "The tenant would be left without an admin" },
  grant_name_taken: { status: 409, title: "The tenant has a grant of that name" },
  gateway_name_taken: { status: 409, title: "Another gateway has that name" },
  network_taken: { status: 409, title: "The network overlaps that of another gateway" },
  gateway_retired: { status: 409, title: "A retired gateway stays retired" },
  gateway_in_use: { status: 409, title: "Peers, or keys of peers, are still on the gateway" },
  gateway_closed: { status: 409, title: "The gateway takes no new peers" },
  gateway_down: { status: 503, title: "The gateway's daemon does not answer for its interface" },
  other_gateway: { status: 409, title: "Only an API process beside that gateway can tell" },
  already_there: { status: 409, title: "The peer is on that gateway" },
  slug_taken: { status: 409, title: "The slug is in use" },
  platform_exists: { status: 409, title: "There is a platform tenant already" },
  platform_missing: { status: 409, title: "There is no platform tenant yet" },
  quota_exceeded: { status: 409, title: "The quota of peers is used up" },
  overtaken: { status: 409, title: "Another change came in between" },
  pool_exhausted: { status: 409, title: "No address is free" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "The body must be application/json" },
  unknown_host: { status: 421, title: "No such host is served here" },
  idempotency_key_reused: {
    status: 422,
    title: "The idempotency key was used for another request",
  },
  invalid_input: { status: 422, title: "Some values are wrong" },
  rate_limited: { status: 429, title: "Too many requests" },
  too_many_mails: { status: 429, title: "The tenant has sent its mails of this hour" },
  internal_error: { status: 500, title: "Something went wrong on our side" },
  overloaded: { status: 503, title: "Too much is going on at once" },
  database_unavailable: { status: 503, title: "The database does not answer" },
  daemon_unavailable: { status: 503, title: "The WireGuard daemon does not answer" },
  factor_unreadable: { status: 503, title: "The second factor cannot be read at present" },
  gateway_not_ready: { status: 503, title: "The gateway has not published its key yet" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof problemTypes;

/** One wrong field. `path` is dotted, as in `client_allowed_ips.0`. */
export interface FieldError {
  path: string;
  code: string;
  message: string;
}

interface ApiErrorOptions {
  /** Shown to the client; the title alone where absent. */
  detail?: string;
  errors?: FieldError[];
  /** Seconds after which a retry makes sense. */
  retryAfter?: number;
  /** What the client has to do first. */
  challenge?: Demand;
  /** Logged, never shown. */
  cause?: unknown;
}

/** A refusal that reaches the client as a problem document (RFC 9457). */
export class ApiError extends Error {
  override name = "ApiError";
  readonly detail: string | undefined;
  readonly errors: FieldError[] | undefined;
  readonly retryAfter: number | undefined;
  readonly challenge: Demand | undefined;

  constructor(readonly code: ErrorCode, options: ApiErrorOptions = {}) {
    super(options.detail ?? problemTypes[code].title, { cause: options.cause });
    this.detail = options.detail;
    this.errors = options.errors;
    this.retryAfter = options.retryAfter;
    this.challenge = options.challenge;
  }

  get status() {
    return problemTypes[this.code].status;
  }
}

/** The one answer for bad input in a single field. */
export function invalidField(path: string, code: string, message: string): ApiError {
  return new ApiError("invalid_input", { errors: [{ path, code, message }] });
}
