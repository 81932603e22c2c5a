import { whySessionUnfit } from "../../db/session_check.ts";
import type { Pool } from "./pool.ts";

/** The API was given a database role that row-level security does not hold, or whose sessions it cannot work with. */
export class UnsafeRoleError extends Error {
  override name = "UnsafeRoleError";
}

/**
 * Finds what would let a role step around row-level security: being a superuser, BYPASSRLS, owning a table,
 * or the right to become such a role; and settings by which its sessions go wrong.
 * @throws {UnsafeRoleError}
 */
export async function refuseUnsafeRole(pool: Pool): Promise<void> {
  const [row] = await pool.use(({ sql }) =>
    sql<{ role: string; faults: string[] }[]>`
      select current_user::text as role, array_remove(array[
        case when bool_or(r.rolsuper) then 'is a superuser' end,
        case when bool_or(r.rolbypassrls) then 'has BYPASSRLS' end,
        case when exists (
          select from pg_class c
          where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
            and pg_has_role(current_user, c.relowner, 'member')
        ) then 'owns tables' end
      ], null) as faults
      from pg_roles r where pg_has_role(current_user, r.oid, 'member')`
  );
  if (!row || row.faults.length > 0) {
    throw new UnsafeRoleError(
      `the database role ${row?.role} ${
        row?.faults.join(", ")
      }: row-level security would not hold it. ` +
        "Use massacorp_api and massacorp_platform, made by db/roles.sql",
    );
  }
  const reason = await pool.use(({ sql }) => whySessionUnfit(sql));
  if (reason !== undefined) throw new UnsafeRoleError(reason);
}

/**
 * Lets no statement through before the role was found safe. The question is asked at the first use, so that
 * the API may start before its database; a role found unsafe stays refused (N1).
 */
export function createRoleGate(pool: Pool): Pool {
  let checked: Promise<void> | undefined;
  async function check(): Promise<void> {
    checked ??= refuseUnsafeRole(pool);
    try {
      await checked;
    } catch (error) {
      // A database that was down gets asked again; an unsafe role does not.
      if (!(error instanceof UnsafeRoleError)) checked = undefined;
      throw error;
    }
  }
  return {
    async use(work, of) {
      await check();
      return await pool.use(work, of);
    },
    async share(statement) {
      await check();
      return await pool.share(statement);
    },
    get stats() {
      return pool.stats;
    },
    end: () => pool.end(),
  };
}
