/** What is refused beside a row that is there already, as changes to a copy of that row. */
export interface UniqueRule {
  refuses: Record<string, unknown>[];
  /** One column of the key is another: no fewer columns make it. */
  takes: Record<string, unknown>[];
}

const id = "01930000-0000-7000-8000-000000000001";
const key = `${"B".repeat(42)}A=`;
const digest = `\\x${"ab".repeat(32)}`;
/** Enough not to be the row itself, by its primary key. */
const other = { id };
const gateway = { id: 2, name: "wg1", network: "10.99.0.0/24", network6: null };

/** Unique and exclusion constraints, and unique indexes, beside the primary keys. */
export const uniques: Record<string, UniqueRule> = {
  api_keys_prefix_is_taken: {
    refuses: [other, { ...other, tenant_id: 7 }],
    takes: [{ ...other, prefix: "Az09Az09Az09" }],
  },
  invitations_email_is_invited_once: {
    refuses: [{ ...other, token_digest: digest }],
    takes: [
      { ...other, token_digest: digest, email: "another@b.example" },
      { ...other, token_digest: digest, tenant_id: 7 },
    ],
  },
  invitations_token_is_of_one: {
    refuses: [{ ...other, email: "another@b.example" }],
    takes: [
      { ...other, email: "another@b.example", token_digest: digest },
      { ...other, email: "another@b.example", tenant_id: 7 },
    ],
  },
  one_time_tokens_one_a_purpose: {
    refuses: [{ token_digest: digest }],
    takes: [{ purpose: "password_reset" }, { user_id: 7 }, { tenant_id: 7 }]
      .map((change) => ({ token_digest: digest, ...change })),
  },
  // The other end of a foreign key. It never speaks: the primary key, which is a part of it, does.
  permissions_are_told_by_reach: { refuses: [], takes: [] },
  roles_name_is_taken: {
    refuses: [{ id: 7777 }],
    takes: [{ id: 7777, name: "another" }, { id: 7777, tenant_id: 7 }],
  },
  tenants_have_one_platform: {
    refuses: [{ id: 7, slug: "another", is_platform: true }],
    takes: [{ id: 7, slug: "another" }],
  },
  tenants_slug_is_taken: {
    refuses: [{ id: 7 }],
    takes: [{ id: 7, slug: "another" }, { id: 7, slug: null, status: "deleted", name: "-" }],
  },
  users_email_is_taken: {
    refuses: [{ id: 7 }],
    takes: [{ id: 7, email: "another@b.example" }, { id: 7, tenant_id: 7 }],
  },
  wg_deliveries_one_a_peer: {
    refuses: [{ token_digest: digest }],
    takes: [{ token_digest: digest, peer_id: id }, { token_digest: digest, tenant_id: 7 }],
  },
  wg_grants_name_is_taken: {
    refuses: [other],
    takes: [{ ...other, name: "another" }, { ...other, tenant_id: 7 }],
  },
  wg_interfaces_name_is_taken: {
    refuses: [{ ...gateway, name: "wg0" }],
    takes: [gateway, { ...gateway, name: "WG0" }],
  },
  wg_interfaces_networks6_do_not_overlap: {
    refuses: [{ ...gateway, network6: "fd12:3456:789a:1::/64" }],
    takes: [
      gateway,
      { ...gateway, network6: "fd12:3456:789a::/64" },
      { ...gateway, network6: "fd12:3456:789a:2::/64" },
    ],
  },
  wg_interfaces_networks_do_not_overlap: {
    refuses: ["10.10.0.0/24", "10.10.0.0/23", "10.0.0.0/12", "10.10.0.240/28", "10.10.0.128/25"]
      .map((network) => ({ ...gateway, network })),
    takes: ["10.9.255.0/24", "10.10.1.0/24"].map((network) => ({ ...gateway, network })),
  },
  wg_peers_address_is_held_once: {
    refuses: [{ ...other, public_key: key }, { ...other, public_key: key, tenant_id: 7 }],
    takes: [
      { ...other, public_key: key, address: "10.10.0.99" },
      { ...other, public_key: key, interface_id: 2 },
    ],
  },
  wg_peers_public_key_is_taken: {
    refuses: [{ ...other, address: "10.10.0.99" }, {
      ...other,
      address: "10.10.0.99",
      tenant_id: 7,
    }],
    takes: [
      { ...other, address: "10.10.0.99", public_key: key },
      { ...other, address: "10.10.0.99", interface_id: 2 },
    ],
  },
};

/** Foreign keys, and what becomes of a row whose other end is deleted. */
export const foreignKeys: Record<string, "restrict" | "cascade" | "set null"> = {
  api_key_scopes_are_of_a_tenant: "cascade",
  api_key_scopes_key_exists: "cascade",
  api_key_usage_key_exists: "cascade",
  api_keys_user_exists: "cascade",
  audit_chains_tenant_exists: "restrict",
  audit_log_tenant_exists: "restrict",
  idempotency_keys_tenant_exists: "cascade",
  invitations_inviter_exists: "cascade",
  invitations_peer_exists: "set null",
  invitations_role_is_in_use: "restrict",
  invitations_tenant_exists: "cascade",
  login_attempts_tenant_exists: "cascade",
  login_challenges_user_exists: "cascade",
  mails_tenant_exists: "cascade",
  mfa_attempts_user_exists: "cascade",
  mfa_factors_user_exists: "cascade",
  mfa_pending_factors_user_exists: "cascade",
  mfa_recovery_codes_user_exists: "cascade",
  mfa_source_attempts_tenant_exists: "cascade",
  mfa_trusted_devices_user_exists: "cascade",
  one_time_tokens_user_exists: "cascade",
  registrations_tenant_exists: "cascade",
  role_permissions_are_of_a_tenant: "cascade",
  role_permissions_role_exists: "cascade",
  roles_tenant_exists: "cascade",
  sessions_user_exists: "cascade",
  system_role_permissions_exist: "cascade",
  tenant_creations_tenant_exists: "cascade",
  tenants_gateway_exists: "restrict",
  user_roles_role_is_in_use: "restrict",
  user_roles_user_exists: "cascade",
  users_tenant_exists: "restrict",
  wg_deliveries_peer_exists: "cascade",
  wg_grants_tenant_exists: "cascade",
  wg_ip_pool_interface_exists: "restrict",
  wg_keys_peer_exists: "cascade",
  wg_peer_events_peer_spoke: "cascade",
  wg_peer_status_peer_exists: "cascade",
  wg_peer_traffic_peer_exists: "cascade",
  wg_peers_address_is_in_the_pool: "restrict",
  wg_peers_interface_exists: "restrict",
  wg_peers_tenant_exists: "restrict",
  wg_peers_user_exists: "restrict",
  wg_policies_tenant_exists: "cascade",
  wg_policy_outcomes_interface_exists: "restrict",
  wg_policy_outcomes_policy_exists: "cascade",
  wg_policy_routes_grant_exists: "cascade",
  wg_policy_routes_policy_exists: "cascade",
  wg_policy_services_peer_exists: "cascade",
  wg_policy_services_policy_exists: "cascade",
  wg_policy_status_policy_exists: "cascade",
  wg_receipts_interface_exists: "restrict",
  wg_receipts_tenant_exists: "restrict",
  wg_release_keys_interface_exists: "restrict",
  wg_resting_addresses_tenant_exists: "cascade",
  wg_resting_addresses_user_exists: "set null",
  wg_retired_keys_interface_exists: "restrict",
  wg_retired_keys_tenant_exists: "restrict",
};
