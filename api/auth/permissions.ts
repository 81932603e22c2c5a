import type { Pool } from "../database/pool.ts";

/** What can be permitted: a closed list, which the table `permissions` repeats. An operation names one. */
export const permissions = [
  "wireguard.read",
  "wireguard.write",
  "tenant.read",
  "tenant.write",
  "users.read",
  "users.write",
  "users.security",
  "roles.read",
  "roles.write",
  "api_keys.read",
  "api_keys.write",
  "audit.read",
  "audit.export",
  "platform.tenants",
  "platform.wireguard",
] as const;
export type Permission = typeof permissions[number];

const known: ReadonlySet<string> = new Set(permissions);
export function isPermission(name: string): name is Permission {
  return known.has(name);
}

/** The code and the database do not agree on what can be permitted. */
export class PermissionMismatchError extends Error {
  override name = "PermissionMismatchError";
}

/** @throws {PermissionMismatchError} naming what either side alone knows */
export async function checkPermissions(pool: Pool): Promise<void> {
  const rows = await pool.use(({ sql }) => sql<{ name: string }[]>`select name from permissions`);
  const listed = new Set(rows.map((row) => row.name));
  const faults = [
    ...permissions.filter((name) => !listed.has(name)).map((name) => `${name} is not in the table`),
    ...[...listed].filter((name) => !isPermission(name))
      .map((name) => `${name} is not in the code`),
  ];
  if (faults.length > 0) {
    throw new PermissionMismatchError(
      `the table of permissions is not that of this version: ${faults.join(", ")}. ` +
        "Migrate the database to the version of the API",
    );
  }
}
