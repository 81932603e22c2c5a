/** What can be permitted: a closed list. An operation names one beside its schema. */
export const permissions = [
  "wireguard.read",
  "wireguard.write",
  "tenant.read",
  "tenant.write",
  "users.read",
  "users.write",
  "platform.tenants",
] as const;
export type Permission = typeof permissions[number];

export const roles = ["admin", "user"] as const;
export type Role = typeof roles[number];

const ofRole: Record<Role, readonly Permission[]> = {
  admin: [
    "wireguard.read",
    "wireguard.write",
    "tenant.read",
    "tenant.write",
    "users.read",
    "users.write",
  ],
  user: [],
};

/** What a role may do inside its tenant. Platform permissions belong to the operator alone. */
export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return new Set(ofRole[role]);
}
