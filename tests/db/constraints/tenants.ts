import {
  after,
  atLeast,
  both,
  characters,
  oneOf,
  pattern,
  printable,
  range,
  type Rule,
  sha256,
} from "./shapes.ts";

const f = (length: number) => "f".repeat(length);
const lists = (cidrs: string, addresses: string): Rule => ({
  refuses: [
    `${cidrs} = array_fill('10.0.0.0/8'::cidr, array[65])`,
    `${addresses} = array_fill('10.0.0.1'::inet, array[9])`,
  ],
  takes: [
    `${cidrs} = array_fill('10.0.0.0/8'::cidr, array[64]), ${addresses} = array_fill('10.0.0.1'::inet, array[8])`,
    `${cidrs} = null, ${addresses} = null`,
  ],
});

/** Tenants, their roles, and what an API key may. */
export const tenants: Record<string, Rule> = {
  tenants_have_a_slug_until_deleted: {
    refuses: ["slug = null", "status = 'deleted', name = '-'"],
    takes: ["slug = null, status = 'deleted', name = '-'"],
  },
  tenants_mfa_required_is_known: oneOf("mfa_required", ["off", "admins", "all"]),
  tenants_name_goes_with_the_rest: {
    refuses: ["slug = null, status = 'deleted'", "slug = null, status = 'deleted', name = '--'"],
    takes: ["slug = null, status = 'deleted', name = '-'", "name = '-'"],
  },
  tenants_name_is_printable: printable("name", 1, 200),
  tenants_password_policy_is_known: oneOf("password_policy", ["composition", "length"]),
  tenants_peer_quota_counts_peers: atLeast("peer_quota", 0),
  tenants_platform_is_never_suspended: {
    refuses: [
      "is_platform = true, status = 'suspended'",
      "is_platform = true, status = 'deleted', slug = null, name = '-'",
    ],
    takes: ["status = 'suspended'"],
  },
  tenants_registration_is_known: oneOf("registration", ["off", "invite", "open"]),
  tenants_session_limit_leaves_one: range("session_limit", 1, 1000),
  tenants_sessions_idle_no_shorter_than_a_token: range("session_idle_seconds", 3600, 2_592_000),
  tenants_sessions_last_at_most_30_days: range("session_lifetime_seconds", 3600, 2_592_000),
  tenants_slug_is_a_dns_label: pattern(
    "slug",
    ["", "1a", "-a", "a-", "A", "a_b", "a.b", "a\n", `a${f(63)}`],
    ["a", "a1", "a-1", `a${f(62)}`],
  ),
  tenants_status_is_known: {
    refuses: ["status = ''", "status = 'Active'", "status = 'unheard-of'"],
    takes: [
      "status = 'active'",
      "status = 'suspended'",
      "status = 'deleted', slug = null, name = '-'",
    ],
  },
  tenants_unfinished_are_not_active: {
    arrange: "insert into tenants (slug, name, unfinished_since) values ('half', 'Half', now())",
    refuses: ["status = 'active'"],
    takes: ["status = 'suspended'", "status = 'deleted', slug = null, name = '-'"],
  },
  tenants_user_peer_quota_counts_peers: range("user_peer_quota", 0, 1000),
  tenants_wg_keepalive_is_16_bit: range("wg_persistent_keepalive", 0, 65_535),
  tenants_wg_lists_are_bounded: lists("wg_client_allowed_ips", "wg_dns"),
  tenants_wg_mtu_is_usable: range("wg_mtu", 1280, 9000),
  wg_peers_lists_are_bounded: lists("client_allowed_ips", "dns"),

  tenant_creations_key_is_printable: pattern("key", ["", "a b", "é", "a\n", f(256)], [
    "!~",
    f(255),
  ]),
  tenant_creations_principal_is_known: pattern(
    "principal",
    ["", "user:", "user:1a", "user:1\n", "operator:1", "anonymous"],
    ["operator", "user:1"],
  ),
  tenant_creations_request_is_a_sha256: sha256("request_digest"),

  roles_about_is_printable: printable("about", 0, 200),
  roles_name_is_a_word: pattern(
    "name",
    ["", "1a", "A", "a b", "a\n", "-a", "_a", `a${f(63)}`],
    ["a", "a1_-", `a${f(62)}`],
  ),
  roles_of_the_system_are_reserved: pattern(
    "name",
    ["user", "manager", "admin", "superadmin", "operator"],
    ["users", "operators"],
  ),
  roles_of_the_system_keep_their_name: {
    refuses: ["system = 'superadmin'", "system = 'user', name = 'manager'"],
    takes: ["system = 'superadmin', name = 'superadmin'"],
  },
  roles_system_is_known: {
    refuses: ["system = 'operator', name = 'operator'", "system = 'helpdesk'"],
    // The others are there already.
    takes: ["system = null", "system = 'superadmin', name = 'superadmin'"],
  },
  user_roles_end_after_they_begin: after("expires_at", "granted_at"),
  permissions_are_of_the_platform_by_name: {
    arrange: "insert into permissions (name, about) values ('seen.by_nobody', '')",
    refuses: ["platform = true", "name = 'platform.seen'"],
    takes: ["platform = true, name = 'platform.seen'", "name = 'platforms.seen'"],
  },
  permissions_name_is_dotted: {
    arrange: "insert into permissions (name, about) values ('seen.by_nobody', '')",
    ...pattern("name", ["", "a", ".a", "a.", "a.b.c", "A.b", "a.1", "a.b\n"], ["a.b", "_.a_b"]),
  },
  system_role_permissions_keep_the_platform_apart: {
    arrange:
      `insert into permissions (name, about, platform) values ('platform.seen', '', true), ('own.seen', '', false);
      insert into system_role_permissions values ('superadmin', 'platform.seen')`,
    refuses: ["system_role = 'admin'", "permission = 'own.seen'"],
    takes: ["permission = 'own.seen', system_role = 'user'"],
  },
  system_role_permissions_role_is_known: {
    arrange: `insert into permissions (name, about) values ('own.seen', '');
      insert into system_role_permissions values ('user', 'own.seen')`,
    ...oneOf("system_role", ["user", "manager", "admin"]),
  },

  api_keys_end_after_they_begin: after("expires_at", "created_at"),
  api_keys_name_is_printable: printable("name", 1, 64),
  api_keys_peers_are_bounded: {
    refuses: [0, 65].map((n) => `allowed_peers = array_fill(gen_random_uuid(), array[${n}])`),
    takes: [1, 64].map((n) => `allowed_peers = array_fill(gen_random_uuid(), array[${n}])`),
  },
  api_keys_prefix_is_random: pattern(
    "prefix",
    ["", f(11), f(13), `${f(11)}-`, `${f(11)}é`, `${f(11)}\n`],
    ["Az09Az09Az09"],
  ),
  api_keys_previous_secret_ends: {
    refuses: ["previous_secret_digest = secret_digest", "previous_secret_until = now()"],
    takes: ["previous_secret_digest = secret_digest, previous_secret_until = now()"],
  },
  api_keys_previous_secret_is_a_sha256: sha256("previous_secret_digest", {
    beside: "previous_secret_until = now()",
  }),
  api_keys_rate_limit_counts_requests: range("rate_limit", 1, 1_000_000),
  api_keys_secret_is_a_sha256: sha256("secret_digest"),
  api_key_usage_counts_up: {
    refuses: [
      "requests = 1, errors = 2",
      "requests = 0, errors = -1",
      "requests = -1, errors = -1",
    ],
    takes: ["requests = 0, errors = 0", "requests = 2, errors = 2"],
  },
  api_key_usage_endpoint_is_bounded: both(characters("endpoint", 1, 200)),
};
