/** Each field that changed, as `{before, after}`. */
export const changes = "changed fields";

/**
 * Everything that can stand in the audit log, and what its details may have. `api_key_id` may stand in any that a
 * request wrote. docs/audit.md has the same for its readers.
 */
export const auditActions = {
  "access.refuse": ["code", "operation", "detail"],
  "api_key.create": ["name", "scopes", "expires_at"],
  "api_key.revoke": ["name"],
  "api_key.rotate": ["overlap_seconds"],
  "audit.export": ["format", "filters", "up_to_id"],
  "auth.login": ["locked", "alarmed"],
  "auth.login_mfa": ["by"],
  "auth.logout": ["all_sessions", "except_current", "sessions_ended"],
  "auth.register": ["email"],
  "auth.step_up": ["by", "locked", "alarmed"],
  "backup.restored": ["backup_at", "sessions_ended", "links_ended", "keys_revoked"],
  "delivery.redeem": ["own_key"],
  "encryption.reseal": ["peers", "key_id", "tenants"],
  "mail.withhold": ["template"],
  "mfa.disable": ["by", "sessions_ended"],
  "mfa.distrust": [],
  "mfa.enable": ["sessions_ended", "completed_log_in"],
  "mfa.lock": ["kind", "way", "until"],
  "mfa.regenerate": ["unused_before"],
  "mfa.require": [changes],
  "mfa.reseal": ["factors", "key_id", "tenants"],
  "mfa.reset": ["reason", "sessions_ended"],
  "mfa.setup": [],
  "mfa.trust": [],
  "mfa.trust_used": [],
  "mfa.verify": ["kind", "way", "failures"],
  "password_reset.confirm": ["sessions_ended"],
  "password_reset.request": [],
  "peer.create": ["name", "address", "user_id", "kind", "own_key", "delivery"],
  "peer.create_bulk": ["peers", "repeated"],
  "peer.delete": [],
  "peer.disable": [],
  "peer.enable": [],
  "peer.export": ["peers", "secrets", "gateway"],
  "peer.import": ["peer_ids", "renumber", "gateway"],
  "peer.move": ["gateway_before", "gateway", "address_before", "address"],
  "peer.rotate": ["public_key_before", "public_key", "overlap_until"],
  "peer.update": [changes],
  "role.create": ["name", "permissions", "mfa_required"],
  "role.delete": ["name", "permissions"],
  "role.update": [changes],
  "session.end": ["reason", "sessions_ended", "except_current", "presented", "newest"],
  "session.revoke_all": ["sessions_ended", "tenants"],
  "tenant.create": ["slug", "admin_email"],
  "tenant.delete": ["slug", "name", "reason"],
  "tenant.remove_peers": [],
  "tenant.resume": ["status_before"],
  "tenant.suspend": ["status_before"],
  "tenant.update": [changes],
  "tunnel.refuse": ["reason", "user_id"],
  "user.accept_invitation": ["invitation_id", "email", "role", "invited_by", "peer_id"],
  "user.activate": ["email", "status_before"],
  "user.change_password": ["locked", "alarmed"],
  "user.create": ["email", "role", "repeated"],
  "user.deactivate": ["email", "status_before"],
  "user.delete": ["email", "status_before"],
  "user.give_role": ["role", "expires_at", "expires_at_before"],
  "user.import": ["email", "role"],
  "user.invite": ["email", "role", "mailed", "peer_id", "repeated"],
  "user.register": ["email", "role", "invitation_id"],
  "user.rehash": [],
  "user.resend_verification": [],
  "user.take_role": ["role"],
  "user.unlock": [],
  "user.update": [changes],
  "user.verify": ["email", "status_before"],
  "user.verify_email": [],
  "user.withdraw_invitation": ["email", "role"],
  "wireguard.drift_repaired": ["differences", "public_keys"],
  "wireguard.gateway_add": ["name", "network", "endpoint"],
  "wireguard.gateway_change": ["accepts_peers_before", "accepts_peers"],
  "wireguard.gateway_key_announced": ["next_public_key", "cut_over_at", "mails", "tenants"],
  "wireguard.gateway_key_forgotten": ["public_key"],
  "wireguard.gateway_retire": ["name", "network"],
  "wireguard.grant": ["name", "network", "protocol", "ports"],
  "wireguard.grant_withdraw": ["name", "network", "protocol", "ports"],
  "wireguard.key_promoted": ["public_key_before", "public_key", "because"],
  "wireguard.key_removed": ["public_key"],
  "wireguard.keys_released": ["public_keys"],
  "wireguard.peer_removed": ["public_key"],
  "wireguard.policy_set": ["before", "after"],
} as const satisfies Record<string, readonly string[]>;

export type AuditAction = keyof typeof auditActions;

/** What an entry has that the list does not know, in words; undefined where all is known. */
export function unknownOf(entry: { action: string; details: object }): string | undefined {
  const known: readonly string[] | undefined = Object.entries(auditActions)
    .find(([action]) => action === entry.action)?.[1];
  if (!known) return `the action ${entry.action}`;
  const field = Object.entries(entry.details).find(([name, value]) =>
    !known.includes(name) && name !== "api_key_id" &&
    !(known.includes(changes) && value !== null && typeof value === "object" && "after" in value)
  );
  return field && `${entry.action}: ${field[0]}`;
}
