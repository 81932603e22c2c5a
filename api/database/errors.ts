import postgres from "postgres";
import { ApiError, type ErrorCode, invalidField } from "../errors.ts";

/** Thrown by the pool itself when the database cannot be reached, or no connection came free in time. */
export class DatabaseUnavailable extends Error {
  override name = "DatabaseUnavailable";
}

/** Constraints whose violation is the client's doing. Everything else is a bug and stays a 500. */
const conflicts: Record<string, ErrorCode> = {
  users_email_is_taken: "email_taken",
  tenants_keep_an_admin: "last_admin",
  roles_name_is_taken: "role_name_taken",
  roles_of_a_tenant_are_at_most_100: "too_many_roles",
  user_roles_of_a_user_are_at_most_20: "too_many_roles",
  user_roles_role_is_in_use: "role_in_use",
  invitations_role_is_in_use: "role_in_use",
  invitations_email_is_invited_once: "already_invited",
  tenants_slug_is_taken: "slug_taken",
  tenants_have_one_platform: "platform_exists",
  wg_peers_public_key_is_taken: "public_key_taken",
  wg_grants_name_is_taken: "grant_name_taken",
  wg_keys_pkey: "public_key_taken",
  wg_peers_successor_is_another_key: "public_key_taken",
  // The key waits already, and its first handshake decides.
  wg_peers_only_the_daemon_promotes: "public_key_taken",
  wg_peers_fit_the_quota: "quota_exceeded",
  wg_interfaces_name_is_taken: "gateway_name_taken",
  wg_interfaces_networks_do_not_overlap: "network_taken",
  wg_interfaces_networks6_do_not_overlap: "network_taken",
  wg_interfaces_retirement_is_final: "gateway_retired",
  wg_interfaces_retire_without_peers: "gateway_in_use",
  wg_peers_gateway_takes_peers: "gateway_closed",
  // The same key is still leaving the gateway that the peer is about to leave.
  wg_retired_keys_pkey: "overtaken",
};

const unprintable = {
  path: "name",
  code: "invalid_format",
  message: "must have no control characters",
};

const invalid: Record<string, { path: string; code: string; message: string }> = {
  tenants_gateway_exists: {
    path: "wireguard.gateway_id",
    code: "unknown",
    message: "there is no such gateway",
  },
  wg_peers_user_exists: { path: "user_id", code: "unknown", message: "there is no such user" },
  wg_peers_public_key_is_no_gateway: {
    path: "public_key",
    code: "gateway_key",
    message: "is the gateway's own key",
  },
  wg_peers_enrolment_ends_within_a_day: {
    path: "expires_at",
    code: "too_late",
    message: "an enrolment peer lasts at most 24 hours",
  },
  wg_grants_network_is_no_tunnel: {
    path: "network",
    code: "not_grantable",
    message: "overlaps a tunnel network",
  },
  wg_grants_network_is_no_infrastructure: {
    path: "network",
    code: "not_grantable",
    message: "is no tenant's to be led to",
  },
  roles_of_the_system_are_reserved: {
    path: "name",
    code: "reserved",
    message: "is the name of a role of the system",
  },
  // Both were there a moment ago; the API looks them up in the same transaction.
  wg_policy_services_peer_exists: {
    path: "services",
    code: "unknown",
    message: "a peer is gone by now",
  },
  wg_policy_routes_grant_exists: {
    path: "routes",
    code: "unknown",
    message: "a grant was withdrawn by now",
  },
  // What is lower case is the database's locale to say.
  users_email_is_normalised: {
    path: "email",
    code: "invalid_format",
    message: "must be an e-mail address",
  },
  // What counts as a control character is the database's locale to say.
  wg_peers_name_is_printable: unprintable,
  users_name_is_printable: unprintable,
  invitations_name_is_printable: unprintable,
  roles_about_is_printable: { ...unprintable, path: "description" },
  tenants_name_is_printable: unprintable,
  wg_grants_name_is_printable: unprintable,
  wg_policy_services_name_is_printable: { ...unprintable, path: "services" },
};

/** A standby, or a server that somebody lets nobody write to: the next connection may lead elsewhere. */
const readOnly = "25006";

/** What the driver and the server say when the connection, not the statement, is at fault. */
const connectionCodes = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "EACCES",
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "53300", // too_many_connections
  readOnly,
]);

/** The code of an error of the driver or of the server, such as `23505` or `ECONNREFUSED`. */
export function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** True where the server refused one statement, and the connection is as good as before. */
export function isAnswer(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code !== readOnly &&
    !/^(FATAL|PANIC)$/.test(error.severity);
}

/** True where nothing is known about the statement because the connection failed. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return code !== undefined && (connectionCodes.has(code) || code.startsWith("08"));
}

/**
 * The one place where SQLSTATE and constraint names become answers. Text of the database never passes.
 * @returns undefined for what is no expected outcome
 */
export function translateDatabaseError(error: Error): ApiError | undefined {
  if (isConnectionError(error)) {
    return new ApiError("database_unavailable", { retryAfter: 1, cause: error });
  }
  const code = codeOf(error);
  // No disk, no memory, or a disk that fails (classes 53 and 58): it is the server's trouble, and may pass.
  if (code !== undefined && /^5[38]/.test(code)) {
    return new ApiError("database_unavailable", { retryAfter: 1, cause: error });
  }
  const constraint = "constraint_name" in error ? String(error.constraint_name) : "";
  switch (code) {
    case "23505":
    case "23P01":
    case "23514":
    case "23503": {
      const field = invalid[constraint];
      if (field) return invalidField(field.path, field.code, field.message);
      const conflict = conflicts[constraint];
      return conflict && new ApiError(conflict, { cause: error });
    }
    case "57014": // statement_timeout
    case "55P03": // lock_timeout
    case "40001":
    case "40P01":
      return new ApiError("overloaded", { retryAfter: 1, cause: error });
    default:
      return undefined;
  }
}
